"""What a framework is said to promise, or to have chosen, stands word for word where a deviation says it does.

Each framework's session looks its own up, in what is installed there.
"""

import importlib
import importlib.util
import inspect

import pytest

from varlaw.subjects.torchvision import stub_torchvision
from varlaw.verify import deviations


def _texts(place: str) -> list[str] | None:
    """Docstring and source of a name, spaces alike; None for an address, and for what is not installed."""
    package, *names = place.split(".")
    if "/" in place or importlib.util.find_spec(package) is None:
        return None
    if importlib.util.find_spec("torch"):
        stub_torchvision()
    found = importlib.import_module(package)
    for k, name in enumerate(names):
        if not hasattr(found, name):
            importlib.import_module(".".join([package, *names[: k + 1]]))
        found = getattr(found, name)
    readable = inspect.isclass(found) or inspect.isfunction(found)
    texts = [inspect.getdoc(found) or "", inspect.getsource(found).replace("# ", "") if readable else ""]
    return [" ".join(text.split()) for text in texts]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("standing", "many"), [("broken", 25), ("choice", 40)])
def test_what_a_framework_says_is_quoted_word_for_word_from_where_it_stands(standing: str, many: int) -> None:
    said = {(r.promise, r.promised_at): r.id for r in deviations.rows() if r.standing == standing}
    assert len(said) > many
    texts = {pair: _texts(pair[1]) for pair in said}
    assert [said[pair] for pair, found in texts.items() if found and not any(pair[0] in text for text in found)] == []
    if not any(texts.values()):
        pytest.skip("nothing installed here is quoted")
