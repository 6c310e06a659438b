"""The decoders by kind and version."""

import pytest

from adapters.polymarket.wire.decoders import VERSIONS, translators
from engine.kernel import kinds
from engine.kernel.events import Symbols


def test_each_kind_of_polymarket_record_has_a_decoder_of_its_own_name():
    symbols = Symbols("polymarket")
    found = translators(symbols)

    assert {kind: decoder.name for kind, decoder in found.items()} == {
        kinds.POLYMARKET_MARKET: "polymarket-market/1",
        kinds.POLYMARKET_USER: "polymarket-user/1",
        kinds.POLYMARKET_BOOK: "polymarket-book/1",
        kinds.POLYMARKET_CATALOGUE: "polymarket-catalogue/1",
    }
    assert all(decoder.symbols is symbols for decoder in found.values())


def test_a_run_s_versions_choose_the_decoders():
    found = translators(Symbols("polymarket"), {kinds.POLYMARKET_BOOK: "polymarket-book/1"})

    assert list(found) == [kinds.POLYMARKET_BOOK]


@pytest.mark.parametrize(("kind", "name"), [(kinds.POLYMARKET_BOOK, "polymarket-book/2"), (7, "polymarket-book/1")])
def test_a_version_that_this_build_has_not_is_an_error(kind, name):
    assert VERSIONS.get(kind) != name
    with pytest.raises(ValueError, match=name):
        translators(Symbols("polymarket"), {kind: name})
