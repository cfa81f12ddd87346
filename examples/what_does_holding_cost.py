"""What does holding a perpetual cost me? Past funding summed up, and what is due next.

    python examples/what_does_holding_cost.py okx BTC/USDT:USDT 30

Where FAIRLEAD_SIM holds the line of a running `fairlead sim --json`, the simulated venues are asked."""

import json
import os
import sys

import fairlead.sync

HOSTS = json.loads(os.environ.get("FAIRLEAD_SIM", "{}")).get("alternates")  # none: the real venues
MS, DAY_NS = 1_000_000, 86_400_000_000_000


def main(venue: str = "okx", symbol: str = "BTC/USDT:USDT", days: str = "30") -> None:
    with fairlead.sync.open(venue, hosts=HOSTS) as session:
        market = session[venue]
        now_ns = market.ask_time() * MS
        paid = market.past_fundings(symbol, now_ns - int(days) * DAY_NS, now_ns)
        funding, mark, index = market.ask_funding(symbol), market.ask_mark(symbol), market.ask_index(symbol)

    print(f"paid {len(paid)} times in {days} days; a long paid {sum(one.rate for one in paid):.4%} in all")
    print(f"next {funding.rate:.4%}, due in {(funding.due_ns - now_ns) / 3_600_000_000_000:.1f} h")
    print(f"mark {mark.price}, {mark.price / index.price - 1:+.4%} from the index")


main(*sys.argv[1:])
