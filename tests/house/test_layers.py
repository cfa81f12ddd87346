"""The floors of the house: imports go down only, neighbours leave each other alone, and nothing runs in a circle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.house.tree import Source, clean, imports, plant, product

FLOOR = {
    "model": 1, "errors": 1,
    "wire": 2, "ledger": 2,
    "venues": 3, "chains": 3, "core": 3, "keys": 3, "io": 3, "watch": 3,
    "engine": 4, "sim": 4,
    "gateway": 5,
    "cli": 6, "testing": 6, "sync": 6, "": 6,
}  # fmt: skip
# Neighbours that may look at each other, one way: nouns raise errors; the top floor is one household.
NEIGHBOURS = {("model", "errors"), ("cli", ""), ("cli", "testing"), ("testing", ""), ("sync", "")}
APART = ("venues", "chains")  # rooms whose folders never import one another
REGISTRY = "fairlead.venues.registry"


def breaches(sources: Iterable[Source]) -> list[str]:
    everything = tuple(sources)
    known = {source.name for source in everything}
    found = []
    for source in everything:
        if source.room not in FLOOR:
            found.append(f"{source.path}: `{source.room}` stands on no floor; give it one in {__name__}")
            continue
        for target, line in imports(source, known):
            if target.split(".")[0] == "fairlead":
                found.extend(f"{source.path}:{line}: {why}" for why in _wrong(source, target))
    return found


def circles(sources: Iterable[Source]) -> list[str]:
    """Every chain of imports that comes back to where it began."""
    everything = {source.name: source for source in sources}
    edges = {name: {to for to, _ in imports(source, everything) if to in everything and to != name}
             for name, source in everything.items()}  # fmt: skip
    found: list[str] = []
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            found.append(" -> ".join((*path[path.index(name) :], name)))
        elif name not in done:
            for to in sorted(edges[name]):
                walk(to, (*path, name))
            done.add(name)

    for name in sorted(everything):
        walk(name, ())
    return found


def _wrong(source: Source, target: str) -> Iterator[str]:
    here, there = source.room, [*target.split("."), ""][1]
    if there not in FLOOR:
        yield f"imports {target}, which is no room of the house"
    elif here == there:
        if here in APART and _folder(source.name) and _folder(target) not in ("", _folder(source.name)):
            yield f"{_folder(source.name)} imports its neighbour {target}"
    elif FLOOR[there] > FLOOR[here]:
        yield f"{here} (floor {FLOOR[here]}) imports up: {target} (floor {FLOOR[there]})"
    elif FLOOR[there] == FLOOR[here] and (here, there) not in NEIGHBOURS:
        yield f"{here} imports its neighbour {target}"
    if target.startswith(REGISTRY) and FLOOR[here] < 4:
        yield f"{source.name} imports the registry, which is for floor 4 and up"


def _folder(name: str) -> str:
    """The venue's or chain's own folder; a file right in the room (the registry) belongs to none."""
    parts = name.split(".")
    return parts[2] if len(parts) > 3 else ""


def test_imports_go_down_only() -> None:
    """If this failed, a change on an upper floor could break a venue, and no room could be tested alone."""
    clean(breaches(product()))


def test_nothing_imports_in_a_circle() -> None:
    """If this failed, the order of imports would decide what works, and half the house would load to use one room."""
    clean(circles(product()))


def test_the_law_of_floors_catches_each_way_to_break_it() -> None:
    """If this failed, the law above could be green over any knot at all."""
    cases = {
        "src/fairlead/core/book.py": "from fairlead.engine import bus",
        "src/fairlead/engine/bus.py": "def late():\n    import fairlead.sim.world",
        "src/fairlead/sim/world.py": "from ..engine import bus",
        "src/fairlead/core/life.py": "import fairlead.io.clock",
        "src/fairlead/venues/one/rest.py": "from fairlead.venues.two import wire",
        "src/fairlead/venues/one/venue.py": "from fairlead.venues import registry",
        "src/fairlead/wire/http.py": "import fairlead",
        "src/fairlead/errors.py": "from fairlead.model import orders",
        "src/fairlead/attic/box.py": "",
    }
    for path, text in cases.items():
        others = [plant("src/fairlead/venues/two/wire.py", ""), plant("src/fairlead/venues/registry.py", "")]
        assert len(breaches([plant(path, text), *others])) == 1, path
    allowed = [plant("src/fairlead/venues/registry.py", "from fairlead.venues.one import venue"),
               plant("src/fairlead/engine/session.py", "from fairlead.venues import registry")]  # fmt: skip
    assert breaches(allowed) == []


def test_the_law_of_circles_catches_one() -> None:
    """If this failed, the law above could be green over a circle of any length."""
    ring = {"a": "from fairlead.core import b", "b": "from fairlead.core import c", "c": "import fairlead.core.a"}
    planted = [plant(f"src/fairlead/core/{name}.py", text) for name, text in ring.items()]
    assert circles(planted) == ["fairlead.core.a -> fairlead.core.b -> fairlead.core.c -> fairlead.core.a"]
