"""What a replay says to people and programs: one document, and the lines that tell it."""

from typing import Any

from engine.kernel.kinds import NAMES
from engine.kernel.market import Market
from engine.kernel.record import NONE
from engine.kernel.units import decimal_text
from journal.reader import Journal
from journal.show import flag_names, readable, utc
from replay.verify import Divergence, StrictReplay, head_fields, this_build


def absent(value: int) -> int | None:
    """None for NONE."""
    return None if value == NONE else value


def market_fields(market: Market) -> dict[str, Any]:
    """One market's state: prices and sizes as the venue's decimals."""
    listing = market.listing
    book = market.book

    def price(tick: int) -> str | None:
        return None if tick == NONE else decimal_text(tick * market.tick, listing.price_exponent)

    return {
        "number": int(market.number),
        "market": market.key,
        "outcomes": list(listing.outcomes),
        "winner": winner_of(market),
        "valid": market.valid,
        "suspect": bool(market.suspect),
        "hash_proven": market.hash_proven,
        "best_bid": price(book.best_bid()),
        "best_ask": price(book.best_ask()),
        "bids": book.bids.count(),
        "asks": book.asks.count(),
        "tick": decimal_text(market.tick, listing.price_exponent),
        "last_id": absent(market.chain.last),
        "ticker_bid": price(market.ticker_bid),
        "ticker_ask": price(market.ticker_ask),
        "off_lot_sizes": market.off_lot,
        "off_grid_levels": len(market.off_grid),
    }


def winner_of(market: Market) -> str | None:
    """The outcome (or the symbol, where outcomes have no names) that a settled market pays; None before."""
    if market.winner == NONE:
        return None
    leg = int(market.winner - market.first_instrument)
    return (market.listing.outcomes or market.listing.symbols)[leg]


def fast_path_share(answer: StrictReplay) -> float | None:
    """The share of frames that the scanners read, of those read by either; None when no frame was read."""
    return answer.fast / (answer.fast + answer.slow) if answer.fast + answer.slow else None


def record_fields(data: bytes) -> dict[str, Any] | None:
    """One whole record for showing; None for no record."""
    if not data:
        return None
    head = head_fields(data)
    return {
        "seq": head.seq,
        "time": utc(head.recv_ns),
        "kind": NAMES.get(head.kind, f"0x{head.kind:04x}"),
        "schema": head.schema,
        "cause": head.cause,
        "flags": flag_names(head.flags),
        "payload": readable(head.kind, head.schema, head.payload()),
        "bytes": data.hex(),
    }


def divergence_fields(found: Divergence, cause: bytes) -> dict[str, Any]:
    """The first difference: both records, and the input (a whole record's bytes) that they answer."""
    return {
        "seq": found.seq,
        "segment": found.segment_no,
        "offset": found.offset,
        "found": record_fields(found.found),
        "expected": record_fields(found.expected),
        "cause": record_fields(cause),
    }


def tail_fields(journal: Journal) -> dict[str, Any] | None:
    """The bytes at the end of *journal* that are no records, or not yet, and so cannot be replayed; None without."""
    last = journal.segments[-1]
    if not last.unread:
        return None
    assert last.checker is not None
    return {
        "bytes": last.unread,
        "segment": last.number,
        "offset": int(last.checker.offset),
        "reason": last.checker.reason,
    }


def strict_fields(journal: str, answer: StrictReplay, cause: bytes) -> dict[str, Any]:
    """The document of a strict replay, without the times that only the command knows."""
    kernel = answer.kernel
    assert kernel is not None
    run = answer.runs[-1] if answer.runs else None
    return {
        "mode": "strict",
        "journal": journal,
        "inputs": answer.inputs,
        "derived": answer.derived,
        "compared": answer.compared,
        "verified": answer.verified,
        "identical": answer.identical,
        "divergence": None if answer.divergence is None else divergence_fields(answer.divergence, cause),
        "start_seq": answer.start_seq,
        "from_checkpoint": answer.from_checkpoint,
        "last_seq": answer.last_seq,
        "unfinished": answer.unfinished,
        "state_digest": kernel.state_digest().hex(),
        "seed": None if run is None else run.seed,
        "build": this_build(),
        "recorded_build": None if run is None else run.build,
        "fast_path_share": fast_path_share(answer),
        "unreadable_frames": kernel.unreadable,
        "unlisted_symbols": dict(kernel.data.listings.unknown),
        "markets": [market_fields(market) for market in kernel.data.listings.markets],
    }
