"""The pytest plugin: fixtures `law` for samplers and `model_law` for torch models, the risk at the top of the run.

Nothing heavy is imported before a test asks for the fixture. Decisions are keyed by salt and test, so the verdicts are
the same under xdist, in any order, and on a re-run; another `--varlaw-salt` gives fresh evidence.
"""

from __future__ import annotations  # the names of an older pytest may be others

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from varlaw.claims.verdict import Verdict
    from varlaw.evidence.budget import Policy
    from varlaw.verify.own.verdicts import Verdicts

_PROPERTY = "varlaw"
_MARKER = "varlaw(policy=..., delta=..., alpha=..., beta=...): risk of the decisions of this test's `law` fixture"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--varlaw-policy` and `--varlaw-salt`, and the same as ini keys."""
    group = parser.getgroup("varlaw", "laws of initialisers")
    group.addoption("--varlaw-policy", metavar="NAME", help="pr (finds 5 %%), nightly (1 %%) or release (0.1 %%)")
    group.addoption("--varlaw-salt", metavar="TEXT", help="names the evidence: another salt, fresh draws")
    group.addoption(
        "--varlaw-verify",
        metavar="GLOB",
        action="append",
        help="an item for each claim on these subjects",
    )
    parser.addini("varlaw_verify", "subjects with an item for each claim, where no tests are named", "args", [])
    parser.addini("varlaw_policy", "policy of the law fixture: pr, nightly or release", default="nightly")
    parser.addini("varlaw_salt", "salt of the law fixture", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that --strict-markers accepts it, and refuse a policy that there is not."""
    config.addinivalue_line("markers", _MARKER)
    _policy(_option(config, "policy"))


def pytest_report_header(config: pytest.Config) -> str:
    """The salt and the policy under which laws are decided."""
    return f"varlaw: policy {_option(config, 'policy')}, salt {_option(config, 'salt') or 'pinned'}"


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add an item for each claim on the subjects that the option names, or the ini key in a run of all tests."""
    whole = config.args_source is not pytest.Config.ArgsSource.ARGS
    globs = config.getoption("--varlaw-verify") or (config.getini("varlaw_verify") if whole else [])
    if globs:
        from varlaw.pytest_items import collected

        items += collected(session, tuple(globs), _option(config, "policy"), _option(config, "salt"))


class Laws:
    """What the fixture gives: `check` and `assert_law` of `varlaw`, at the run's policy and salt, keyed by the test."""

    def __init__(self, request: pytest.FixtureRequest, record: Callable[[str, object], None]) -> None:
        self._record, self._node = record, request.node
        self._defaults = _defaults(request)
        self._calls = 0

    def check(self, draw: Any, law: Any, **options: Any) -> Verdict:
        """`varlaw.check` with the run's defaults; the verdict goes into the test's properties.

        draw, law: the sampler, `draw(shape, seed)`, and what it follows.
        options: the other arguments of `varlaw.check`, such as shape and dtype.
        """
        from varlaw.verify.check import check

        self._calls += 1
        # Keyed by test, law and shape, not by the count of calls: Hypothesis may call a test again.
        verdict = check(draw, law, **{"name": self._node.nodeid, **self._defaults, **options})
        for field in ("outcome", "expected", "observed", "ratio", "samples", "alpha"):
            self._record(f"{_PROPERTY}.{self._calls}.{field}", str(getattr(verdict, field)))
        return verdict

    def assert_law(self, draw: Any, law: Any, **options: Any) -> Verdict:
        """Fail the test, with the verdict's lines, or with what is wrong with `draw`, unless it conforms to `law`.

        draw, law: the sampler, `draw(shape, seed)`, and what it follows.
        options: the other arguments of `varlaw.check`, such as shape and dtype.
        """
        from varlaw.claims.verdict import Outcome, explained
        from varlaw.evidence.decide import SamplerError

        fault = ""
        try:
            verdict = self.check(draw, law, **options)
        except SamplerError as error:
            fault = str(error)
        if fault:  # outside of the handler, so that it is said once
            pytest.fail(fault, pytrace=False)
        if verdict.outcome is not Outcome.CONFORMS:
            pytest.fail(explained(verdict), pytrace=False)
        return verdict

    __call__ = assert_law

    def norm(self, f: Any, kind: str, **options: Any) -> Verdicts:
        """Fail the test, with what is wrong, unless `f` is a norm of its kind: the arguments of `varlaw.check_norm`.

        f: takes an array and returns one of its shape.
        kind: as of `varlaw.check_norm`.
        options: the other arguments of `varlaw.check_norm`, such as axes and eps.
        """
        from varlaw.verify.own.norms import check_norm

        return self._held(lambda: check_norm(f, kind, **self._salt, **options))

    def clip(self, f: Any, kind: str = "global_norm", **options: Any) -> Verdicts:
        """Fail the test, with what is wrong, unless `f` clips as its kind does: as `varlaw.check_clip`.

        f: takes a list of arrays and a limit.
        kind: as of `varlaw.check_clip`.
        options: the other arguments of `varlaw.check_clip`, such as dtype and promises.
        """
        from varlaw.verify.own.clipping import check_clip

        return self._held(lambda: check_clip(f, kind, **self._salt, **options))

    def dropout(self, f: Any, p: float = 0.1, **options: Any) -> Verdicts:
        """Fail the test, with what is wrong, unless `f` drops lawfully: the arguments of `varlaw.check_dropout`.

        f: takes an array, a rate and a seed.
        p: the rate.
        options: the other arguments of `varlaw.check_dropout`, such as kind and dtype.
        """
        from varlaw.verify.own.dropouts import check_dropout

        return self._held(lambda: check_dropout(f, p, **{**self._defaults, **options}))

    def loss(self, f: Any, **options: Any) -> Verdicts:
        """Fail the test, with what is wrong, unless `f` is the cross entropy: the arguments of `varlaw.check_loss`.

        f: takes logits and labels.
        options: the other arguments of `varlaw.check_loss`, such as dtype and promises.
        """
        from varlaw.verify.own.losses import check_loss

        return self._held(lambda: check_loss(f, **self._salt, **options))

    def layer(self, layer_or_factory: Any, laws: Any, **options: Any) -> Verdicts:
        """Fail the test, with what is wrong, unless each parameter follows its law: as `varlaw.check_layer`.

        layer_or_factory: a function that returns a fresh layer, or one layer.
        laws: parameter -> law.
        options: the other arguments of `varlaw.check_layer`, such as inputs and dtype.
        """
        from varlaw.verify.own.layers import check_layer

        return self._held(lambda: check_layer(layer_or_factory, laws, **self._salt, **options))

    def network(self, run: Any, law: Any, **options: Any) -> Verdicts:
        """Fail the test, with what is wrong, unless signals pass every map lawfully: as `varlaw.check_network`.

        run: `run(seed)` returns what each linear map is fed and what it returns.
        law: of the weights, or a law for each glob over names.
        options: the other arguments of `varlaw.check_network`, such as direction and dtype.
        """
        from varlaw.verify.network import check_network
        from varlaw.verify.own.verdicts import Verdicts

        def held() -> Verdicts:
            verdict = check_network(run, law, **{**self._defaults, **options})
            return Verdicts(verdict.subject, "network", (verdict,))

        return self._held(held)

    def shapes(self, draw: Any, law: Any, shapes: Any, **options: Any) -> Verdicts:
        """Fail the test, with what is wrong, unless `draw` follows its law in each shape: as `varlaw.check_shapes`.

        draw, law: the sampler, `draw(shape, seed)`, and a text over the fans, or a function of the shape.
        shapes: two or more.
        options: the arguments of `varlaw.check`.
        """
        from varlaw.verify.own.shapes import check_shapes

        return self._held(lambda: check_shapes(draw, law, shapes, **{**self._defaults, **options}))

    @property
    def _salt(self) -> dict[str, Any]:
        return {"salt": self._defaults["salt"]} if "salt" in self._defaults else {}

    def _held(self, check: Callable[[], Verdicts]) -> Verdicts:
        """The verdicts, of which the test's properties hold the outcome and the risk of all."""
        from varlaw.evidence.decide import SamplerError

        fault = ""
        try:
            found = check()
        except SamplerError as error:
            fault = str(error)
        if fault:
            pytest.fail(fault, pytrace=False)
        self._calls += 1
        outcome = "CONFORMS" if found.ok else str(found.faults[0].outcome)
        self._record(f"{_PROPERTY}.{self._calls}.outcome", outcome)
        self._record(f"{_PROPERTY}.{self._calls}.alpha", str(float(sum(v.alpha for v in found))))
        if not found.ok:
            pytest.fail(found.explained, pytrace=False)
        return found


@pytest.fixture
def law(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Laws:
    """Assert that samplers obey laws: `law(draw, Normal(0.02), shape=(64, 64))`; so `law.norm`, `law.clip`, ..."""
    return Laws(request, record_property)


@pytest.fixture
def model_law(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Assert that a torch model is well set up: `model_law(build, batch, loss)`, the arguments of `check_model`."""

    def assert_model(build: Any, batch: Any, loss: Any = None, **options: Any) -> Any:
        from varlaw.checking import check_model

        salt = _option(request.config, "salt")
        given = {"name": request.node.nodeid, **({"salt": salt} if salt else {}), **options}
        report = check_model(build, batch, loss, **given)
        if not report.ok:
            pytest.fail(str(report), pytrace=False)
        return report

    return assert_model


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many laws were decided, with what outcomes, and the chance that any of the alarms was false."""
    found = [one for reports in terminalreporter.stats.values() for report in reports for one in _decisions(report)]
    if found:
        outcomes = Counter(outcome for outcome, _ in found)
        counts = ", ".join(f"{n} {word}" for word, n in sorted(outcomes.items()))
        terminalreporter.section("varlaw")
        risk = sum(alpha for _, alpha in found)
        terminalreporter.line(f"{counts}; chance of any false alarm at most {risk:.3g}")


def _decisions(report: Any) -> Iterator[tuple[str, float]]:
    """Outcome and alpha of each decision of a test; what other plugins put among its properties is not ours to read."""
    properties = getattr(report, "user_properties", None) if getattr(report, "when", "") == "call" else None
    pairs = [p for p in properties if isinstance(p, (tuple, list))] if isinstance(properties, (tuple, list)) else []
    texts = {p[0]: p[1] for p in pairs if len(p) == 2 and isinstance(p[0], str) and isinstance(p[1], str)}
    for name, outcome in texts.items():
        alpha = texts.get(name.removesuffix("outcome") + "alpha", "")
        if re.fullmatch(rf"{_PROPERTY}\.\d+\.outcome", name) and re.fullmatch(r"\d+(\.\d+)?(e-\d+)?", alpha):
            yield outcome, float(alpha)


def _option(config: pytest.Config, name: str) -> str:
    given = config.getoption(f"--varlaw-{name}")
    return str(given if given is not None else config.getini(f"varlaw_{name}"))


def _defaults(request: pytest.FixtureRequest) -> dict[str, Any]:
    """delta, alpha, beta and salt of a test: its marker's, else the policy's."""
    marker = request.node.get_closest_marker("varlaw")
    options = dict(marker.kwargs) if marker else {}
    rule = _policy(options.pop("policy", None) or _option(request.config, "policy"))
    salt = _option(request.config, "salt")
    return {
        **{name: getattr(rule, name) for name in ("delta", "alpha", "beta")},
        **({"salt": salt} if salt else {}),
        **options,
    }


def _policy(name: str) -> Policy:
    from varlaw.evidence.budget import policy

    try:
        return policy(name)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
