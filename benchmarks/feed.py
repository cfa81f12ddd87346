"""CPU time a message, from its text to the user's code that reads the best bid and ask (or the price of a trade).

All sides read the same made-up stream: no network, no sockets. Books hold 1,000 levels a side; a depth message has 20
level changes. ccxt.pro hands nothing to callbacks: its users await `watch_*` for each value, and that is measured; what
its handlers cost alone, when nobody waits, stands in a row of its own. cryptofeed's trades are aggregated ones."""

from __future__ import annotations

import sys

from _sides import FOREIGN, peers, run, show

TIMES, ROUNDS = 3, 3  # the sides take turns; the best of all counts
EXPECTED = {"depth": 3, "trades": 10, "quotes": 10}  # times less than ccxt.pro, watched


def main() -> None:
    scripts = [(sys.executable, "_fairlead.py"), *((FOREIGN, f"_{peer}.py") for peer in peers())]
    best: dict[str, dict[str, float]] = {}
    for _ in range(TIMES):
        for python, script in scripts:
            for side in run(python, script, "feed", str(ROUNDS)):
                us = best.setdefault(side["name"], side["us"])
                best[side["name"]] = {kind: min(us[kind], side["us"][kind]) for kind in us}
    (_, ours), *_ = best.items()
    rows = [
        (name, *(f"{us[kind]:.2f} us   {us[kind] / ours[kind]:5.1f} x" for kind in EXPECTED))
        for name, us in best.items()
    ]
    show("CPU a message", tuple(EXPECTED), rows)
    watched = next(us for name, us in best.items() if name.endswith("watched"))
    for kind, times in EXPECTED.items():
        ratio = watched[kind] / ours[kind]
        print(f"{kind}: {ratio:.1f} times less than ccxt.pro; expected {times}: {'yes' if ratio >= times else 'NO'}")


if __name__ == "__main__":
    main()
