"""No method of a store can be called without saying whose data is meant."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints

import pytest

from app.domain.records import DEFAULT_NAMESPACE, Project, Scope, ScopeFilter
from app.stores import Maintenance, Store, Transaction
from app.stores.mongo import MongoBackend
from app.stores.mongo.transaction import MongoTransaction
from app.stores.sqlite import SqliteBackend
from app.stores.sqlite.transaction import SqliteTransaction

BACKENDS = [SqliteBackend, MongoBackend]
TRANSACTIONS = [SqliteTransaction, MongoTransaction]


def methods_of(protocol: type) -> dict[str, Callable[..., Any]]:
    """Return the methods that a Protocol declares itself."""
    return {
        name: value for name, value in vars(protocol).items() if inspect.isfunction(value) and name[0] != "_"
    }


def says_whose(kind: Any) -> bool:
    """Whether a value of this type always carries a scope or a scope filter."""
    if kind in (Scope, ScopeFilter):
        return True
    return is_dataclass(kind) and any(
        get_type_hints(kind)[entry.name] in (Scope, ScopeFilter)
        and entry.default is MISSING
        and entry.default_factory is MISSING
        for entry in fields(kind)
    )


def required(method: Callable[..., Any]) -> list[str]:
    """Return the parameters that a caller cannot leave out."""
    parameters = inspect.signature(method).parameters.values()
    return [
        each.name for each in parameters if each.default is inspect.Parameter.empty and each.name != "self"
    ]


STORE_METHODS = sorted(methods_of(Store))
READERS_OF_DATA = sorted(name for name in methods_of(Maintenance) if name.startswith("iterate_"))


@pytest.mark.parametrize("name", STORE_METHODS)
def test_every_method_of_the_store_takes_a_scope(name: str) -> None:
    """Each method has a parameter without default that says project and namespace, or a scope filter."""
    method = methods_of(Store)[name]
    hints = get_type_hints(method)

    assert any(says_whose(hints[parameter]) for parameter in required(method))


@pytest.mark.parametrize("name", READERS_OF_DATA)
def test_what_walks_a_whole_store_takes_a_scope_filter(name: str) -> None:
    """The operator's walks through data say whose data they walk, too."""
    method = methods_of(Maintenance)[name]
    hints = get_type_hints(method)

    assert any(hints[parameter] is ScopeFilter for parameter in required(method))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", [*STORE_METHODS, *READERS_OF_DATA])
def test_both_stores_ask_for_it_alike(backend: type, name: str) -> None:
    """An implementation takes what the Protocol declares, under the same names and as necessary."""
    declared = (methods_of(Store) | methods_of(Maintenance))[name]
    built = getattr(backend, name)

    assert required(built) == required(declared)
    with pytest.raises(TypeError, match="required positional argument"):
        built(object())


@pytest.mark.parametrize("transaction", TRANSACTIONS)
def test_transactions_are_bound_to_a_scope(transaction: type) -> None:
    """A transaction cannot be made without a scope, and none of its methods takes another one."""
    assert "scope" in required(transaction.__init__)  # type: ignore[misc]  # it is only looked at
    for name, method in methods_of(Transaction).items():
        assert required(getattr(transaction, name)) == required(method)
        hints = get_type_hints(method)
        assert not {Scope, ScopeFilter, Project} & {hints[parameter] for parameter in required(method)}


def test_a_scope_needs_a_project() -> None:
    """No scope and no scope filter lacks a project, and the default namespace has no name to ask for."""
    for kind in (Scope, ScopeFilter):
        with pytest.raises(TypeError, match=re.escape("required positional argument: 'project'")):
            kind()  # type: ignore[call-arg]  # that it is missing is the point
    assert Scope("acme").namespace == DEFAULT_NAMESPACE == ""
    assert ScopeFilter("acme").namespace is None
