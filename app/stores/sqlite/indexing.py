"""The search index: FTS5 tables beside dialogue, message and memory, kept in the same transaction.

A term is stored as ``<project's mark><term>``, so that the postings of a term are one project's
and no other tenant's are ever walked; each row also has one token for its namespace. The tables
hold no copy of the text: to remove an entry its terms are given again, from the row.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from sqlite3 import Connection

from ...domain.records import ScopeFilter

IndexedRow = tuple[int, str, str]
"""Number of the row, its namespace, its terms."""


@lru_cache(maxsize=1024)
def project_mark(project: str) -> str:
    """Return 12 hexadecimal digits that begin every term of a project."""
    return blake2b(project.encode(), digest_size=6).hexdigest()


@lru_cache(maxsize=8192)
def namespace_token(project: str, namespace: str) -> str:
    """Return the token of a namespace; no term begins with its first letter."""
    return "n" + blake2b(f"{project}\0{namespace}".encode(), digest_size=8).hexdigest()


def term_token(mark: str, term: str) -> str:
    """Return the token of a term; what the tokenizer might split or fold is spelt in hexadecimal."""
    if term.isascii() and term.isalnum():
        return mark + term
    return f"{mark}_{term.encode().hex()}"


def count_terms(terms: str) -> int:
    """Return the number of terms, which are distinct."""
    return terms.count(" ") + 1 if terms else 0


def index_text(project: str, namespace: str, terms: str) -> str:
    """Return the tokens that a row is indexed by, separated by spaces."""
    mark, first = project_mark(project), namespace_token(project, namespace)
    if terms.isascii() and terms.replace(" ", "").isalnum():
        return f"{first} {mark}{terms.replace(' ', ' ' + mark)}"  # what term_token makes of each, at once
    return " ".join([first, *(term_token(mark, term) for term in terms.split())])


def add_terms(connection: Connection, table: str, project: str, rows: Iterable[IndexedRow]) -> None:
    """Index rows of ``table`` that have terms."""
    sql = f"INSERT INTO {table}_terms (rowid, terms) VALUES (?, ?)"
    for number, namespace, terms in rows:
        if terms:
            connection.execute(sql, (number, index_text(project, namespace, terms)))


def drop_terms(connection: Connection, table: str, project: str, rows: Iterable[IndexedRow]) -> None:
    """Remove rows of ``table`` from the index; the terms must be those that were added."""
    connection.executemany(
        f"INSERT INTO {table}_terms ({table}_terms, rowid, terms) VALUES ('delete', ?, ?)",
        [(number, index_text(project, namespace, terms)) for number, namespace, terms in rows if terms],
    )


def match_expressions(scope_filter: ScopeFilter, terms: Iterable[str]) -> list[str]:
    """Return one FTS5 expression for each term, held to the scope filter."""
    mark = project_mark(scope_filter.project)
    expressions = [f'"{term_token(mark, term)}"' for term in terms]
    if scope_filter.namespace is None:
        return expressions
    token = namespace_token(scope_filter.project, scope_filter.namespace)
    return [f'"{token}" AND {expression}' for expression in expressions]
