"""A tree of messages as dialogues: the path that is shown, and a thread for each branch beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ..domain.records import Status
from .conversation import BadLine, Conversation, Fields, Node, Tree
from .ids import fit_id
from .times import keep_order

MOST_BRANCHES = 1_000
"""A conversation with more branches than this is refused, or read without them."""


@dataclass(slots=True)
class _Branch:
    """A run of nodes: the main path, or one that leaves another at a node."""

    nodes: list[str] = field(default_factory=list)
    origin: str | None = None


def flatten(tree: Tree, *, branches: bool = True, kept: frozenset[str] = frozenset()) -> list[Conversation]:
    """Return the dialogue of a tree and then its threads, each after what it leaves.

    ``kept`` are the nodes that a dialogue of this tree has already, from an earlier import: its path goes on
    being the main one, whatever the source shows now. A branch goes on with the first of several answers,
    which stays the first as the tree grows. Raises BadLine for too many branches.
    """
    nodes = _without_cycles(tree.nodes)
    children = _children(nodes)
    main = _Branch(_main_path(tree, nodes, children, kept))
    found = [main]
    if branches:
        found += _side_branches(nodes, children, set(main.nodes))
        if len(found) > MOST_BRANCHES:
            raise BadLine(
                f"The conversation has {len(found) - 1:,} branches; at most {MOST_BRANCHES:,} are read. "
                "Import it without them: --branches=current."
            )
    return _conversations(tree, nodes, found)


def has_branches(tree: Tree) -> bool:
    """Whether some node of a tree has two that follow it, or the tree two beginnings."""
    parents = [node.parent for node in tree.nodes.values()]
    return len(set(parents)) < len(parents)


def _without_cycles(nodes: dict[str, Node]) -> dict[str, Node]:
    """Return the nodes with a parent that exists or none, each reachable from a beginning."""
    sound = {
        name: node if node.parent in nodes and node.parent != name else replace(node, parent=None)
        for name, node in nodes.items()
    }
    settled: set[str] = set()
    for start in sound:
        path: dict[str, None] = {}
        name: str | None = start
        while name is not None and name not in settled and name not in path:
            path[name] = None
            name = sound[name].parent
        if name is not None and name in path:
            sound[name] = replace(sound[name], parent=None)
        settled.update(path)
    return sound


def _children(nodes: dict[str, Node]) -> dict[str | None, list[str]]:
    children: dict[str | None, list[str]] = {}
    for name, node in nodes.items():
        children.setdefault(node.parent, []).append(name)
    return children


def _main_path(
    tree: Tree, nodes: dict[str, Node], children: dict[str | None, list[str]], kept: frozenset[str]
) -> list[str]:
    """Return the nodes from the beginning to the current one, or on from what is kept already."""
    if not nodes:
        return []
    current = tree.current if tree.current in nodes else _newest_leaf(nodes, children)
    path = _path_to(current, nodes)
    if kept:
        depths = _depths(children)
        last = max((name for name in nodes if name in kept), key=depths.__getitem__)
        if last not in path:
            path = _path_to(last, nodes)
            while following := children.get(path[-1]):
                path.append(following[0])
    return path


def _depths(children: dict[str | None, list[str]]) -> dict[str, int]:
    depths = dict.fromkeys(children.get(None, ()), 0)
    waiting = list(depths)
    while waiting:
        name = waiting.pop()
        following = children.get(name, ())
        depths |= dict.fromkeys(following, depths[name] + 1)
        waiting += following
    return depths


def _newest_leaf(nodes: dict[str, Node], children: dict[str | None, list[str]]) -> str:
    leaves = [name for name in nodes if name not in children]
    place = {name: number for number, name in enumerate(nodes)}
    return max(leaves, key=lambda name: (_created(nodes[name]), place[name]))


def _created(node: Node) -> str:
    return max((message.get("created") or "" for message in node.messages), default="")


def _path_to(name: str, nodes: dict[str, Node]) -> list[str]:
    path = [name]
    while (parent := nodes[path[-1]].parent) is not None:
        path.append(parent)
    return path[::-1]


def _side_branches(
    nodes: dict[str, Node], children: dict[str | None, list[str]], taken: set[str]
) -> Iterator[_Branch]:
    """Yield the branches beside what is taken, in the order in which the source has their first nodes."""
    for name, node in nodes.items():
        if name in taken or (node.parent is not None and node.parent not in taken):
            continue
        yield from _grow(name, nodes, children, taken)


def _grow(
    first: str, nodes: dict[str, Node], children: dict[str | None, list[str]], taken: set[str]
) -> Iterator[_Branch]:
    waiting = [first]
    while waiting:
        name = waiting.pop(0)
        branch = _Branch([name], nodes[name].parent)
        while following := children.get(branch.nodes[-1]):
            branch.nodes.append(following[0])
            waiting += following[1:]
        taken.update(branch.nodes)
        yield branch


def _conversations(tree: Tree, nodes: dict[str, Node], found: list[_Branch]) -> list[Conversation]:
    owner: dict[str, str] = {}
    result: list[Conversation] = []
    for branch in found:
        messages = [message for name in branch.nodes for message in nodes[name].messages]
        origin = _origin(branch, nodes)
        keep_order(messages, None if origin is None else nodes[origin].messages[-1].get("created"))
        if not result:
            dialogue = tree.dialogue
        elif messages:
            dialogue = _thread(tree, branch, nodes, owner, origin)
        else:
            continue
        owner.update((name, str(dialogue["id"])) for name in branch.nodes)
        result.append(Conversation(dialogue, messages))
    status = Status.ACTIVE if tree.archived_at is None else Status.ARCHIVED
    result[0] = replace(result[0], memories=tree.memories, status=status, archived_at=tree.archived_at)
    return result


def _origin(branch: _Branch, nodes: dict[str, Node]) -> str | None:
    """Return the node after whose messages a branch leaves; None at the beginning."""
    origin = branch.origin
    while origin is not None and not nodes[origin].messages:
        origin = nodes[origin].parent
    return origin


def _thread(
    tree: Tree, branch: _Branch, nodes: dict[str, Node], owner: dict[str, str], origin: str | None
) -> Fields:
    """Return the body of a thread, which starts with what was said before it left."""
    root = tree.dialogue["id"]
    thread: Fields = {"id": fit_id(f"{root}:{branch.nodes[0]}"), "threadOf": root}
    thread |= {name: tree.dialogue[name] for name in ("namespace", "label") if name in tree.dialogue}
    if origin is not None:
        thread |= {"threadOf": owner.get(origin, root), "forkAt": nodes[origin].messages[-1]["id"]}
    source = tree.dialogue.get("metadata", {}).get("source")
    thread["metadata"] = {"branchOf": root} | ({"source": source} if source else {})
    return thread
