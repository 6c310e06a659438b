"""
hftbacktest from a fresh process to the result, for its own Python: `python rival_cold.py FEED.npz TICK LOT LOW HIGH`.

The market-maker contract as its users write it: an `.npz` in its own format, read by the library inside the run, and a
strategy under numba's njit, which is compiled by the process (FEED.npz has the columns of the rivals' feed; the file in
its format is made beside it once, by a call with `--prepare`).
"""

import json
import sys
from pathlib import Path
from typing import Any

import hftbacktest as H  # type: ignore[import-not-found]  # noqa: N812
import numpy as np  # type: ignore[import-not-found]
from numba import njit  # type: ignore[import-not-found]


def prepare(path: Path, target: Path) -> None:
    """The feed in hftbacktest's own format, as its converters write it."""
    columns = np.load(path)
    rows = np.zeros(len(columns["tick"]), H.types.event_dtype)
    kinds = np.where(columns["typ"] == 1, H.TRADE_EVENT, H.DEPTH_EVENT)
    rows["ev"] = H.LOCAL_EVENT | H.EXCH_EVENT | kinds | np.where(columns["side"] == 1, H.BUY_EVENT, H.SELL_EVENT)
    rows["exch_ts"], rows["local_ts"] = columns["exch_ts"], columns["local_ts"]
    rows["px"], rows["qty"] = columns["price"], columns["qty"]
    np.savez_compressed(target, data=rows)


@njit  # type: ignore[untyped-decorator]
def quote(hbt: Any, tick: float, lots: float) -> tuple[int, int, int]:
    """The contract; returns steps, submissions and cancels."""
    steps = submitted = cancelled = 0
    last = 0
    ids = np.zeros(2, np.int64)
    ticks = np.zeros(2, np.int64)
    while hbt.elapse(100_000_000) == 0:
        steps += 1
        hbt.clear_inactive_orders(0)
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        if bid <= 0 or ask > 10_000_000 or bid >= ask:
            continue
        orders = hbt.orders(0)
        for side in range(2):
            target = bid - 2 if side == 0 else ask + 2
            live = ids[side] != 0 and ids[side] in orders
            if live and ticks[side] == target:
                continue
            if live and orders.get(ids[side]).cancellable:
                hbt.cancel(0, ids[side], False)
                cancelled += 1
            last += 1
            submitted += 1
            ids[side], ticks[side] = last, target
            if side == 0:
                hbt.submit_buy_order(0, last, target * tick, lots, H.GTX, H.LIMIT, False)
            else:
                hbt.submit_sell_order(0, last, target * tick, lots, H.GTX, H.LIMIT, False)
    return steps, submitted, cancelled


def main(path: Path, tick: float, lot: float, lowest: int, highest: int) -> None:
    """Run once and print the answers."""
    asset = H.BacktestAsset().data(str(path)).linear_asset(1.0).constant_order_latency(5_000_000, 5_000_000)
    asset = asset.risk_adverse_queue_model().no_partial_fill_exchange().trading_value_fee_model(0.0, 0.0)
    asset = asset.tick_size(tick).lot_size(lot).last_trades_capacity(0)
    asset = asset.roi_lb((lowest - 0.5) * tick).roi_ub((highest + 0.5) * tick)
    hbt = H.ROIVectorMarketDepthBacktest([asset])
    steps, submitted, cancelled = quote(hbt, tick, 10 * lot)
    state, depth = hbt.state_values(0), hbt.depth(0)
    equity = state.balance + state.position * (depth.best_bid + depth.best_ask) / 2 - state.fee
    answers = {"steps": int(steps), "nsub": int(submitted), "ncan": int(cancelled), "fills": int(state.num_trades)}
    print(json.dumps({**answers, "position": round(float(state.position), 9), "equity": round(float(equity), 6)}))


if __name__ == "__main__":
    feed = Path(sys.argv[1])
    own = feed.with_name(f"{feed.stem}_own.npz")
    if sys.argv[2] == "--prepare":
        if not own.exists():
            prepare(feed, own)
    else:
        main(own, float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
