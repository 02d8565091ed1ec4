"""Write an invented run of any number of verdicts, to see what a report of it costs: `python large.py 500000 run.json`.

Every tenth verdict is of another subject, one in five hundred is no pass, and cases, numbers and keys differ, as in a
real run. `layout` "lines" is what varlaw writes, "one" a single line, as other programs do.
"""

import math
import sys
from pathlib import Path
from typing import Any

import msgspec

from varlaw.claims.verdict import SCHEMA, Deviation, Outcome, RunInfo, Verdict

_DTYPES = ("float32", "float16", "bfloat16", "float64")
_ODD = {7: Outcome.UNDECIDED, 400: Outcome.VIOLATES, 803: Outcome.ERROR, 640: Outcome.VIOLATES}
_KNOWN = Deviation(id="torch-known", reason="kept for compatibility " * 4, link="", ratio=0.9, versions=">=1.0")


def verdict(k: int, per_subject: int = 10) -> Verdict:
    """The verdict number `k` of an invented run."""
    subject, framework = k // per_subject, ("torch", "jax", "keras", "flax")[(k // per_subject) % 4]
    outcome = _ODD.get(k % 1000, Outcome.CONFORMS)
    ratio = None if outcome is Outcome.ERROR else (0.9 if outcome is Outcome.VIOLATES else 1) + 0.004 * math.sin(k)
    case = {"in_features": 1 + k % 512, "out_features": 1 + k // 7 % 512, "shape": [k % 64 + 1, 3, 3]}
    name = f"{framework}.nn.modules.Layer{subject}.weight"
    at = msgspec.json.encode({"case": case, "device": "cpu", "dtype": _DTYPES[k % 4], "subject": name, "target": name})
    return Verdict(
        claim=("init.documented", "init.pooled", "forward.second_moment", "clip.norm")[k % 4],
        law=("he_normal.variance", "uniform.variance", "linear.second_moment", "clip.norm")[k % 4],
        statement="U(-1/sqrt(fan_in), 1/sqrt(fan_in))",
        subject=name,
        framework=framework,
        version="2.13.0",
        op="linear",
        dtype=_DTYPES[k % 4],
        device="cpu",
        case=case,
        outcome=outcome,
        quantity="std",
        expected=0.07 + k * 1e-9,
        observed=0.07 * (ratio or 1.0),
        ratio=ratio,
        interval=None if ratio is None else (ratio * 0.995, ratio * 1.005),
        samples=4608 + k % 1000,
        delta=0.05,
        certified=0.0123 if outcome is Outcome.CONFORMS else None,
        alpha=1e-12,
        beta=1e-3,
        log_evidence=-3.2 + 0.1 * math.cos(k),
        deviation=_KNOWN if k % 1000 == 640 else None,
        detail=f"seen in {k} of {k + 1}" if outcome is not Outcome.CONFORMS else "",
        replay=f"v1:2026-11-22:pr:init.documented:{at.decode()}",
    )


def write(path: Path, count: int, *, layout: str = "lines", per_subject: int = 10) -> None:
    """Write an invented run of `count` verdicts, one after the other."""
    info: dict[str, Any] = {
        **{
            "varlaw": "0.1.0",
            "versions": {"torch": "2.13.0"},
            "python": "3.11.9",
            "platform": "Linux",
            "cpu": "Example",
        },
        **{"threads": 2, "devices": ["cpu"], "dtypes": list(_DTYPES), "policy": "pr", "delta": 0.05, "alpha": 1e-12},
        **{"beta": 1e-3, "decisions": count, "alpha_budget": count * 1e-12, "salt": "2026-11-22", "targets": ["*"]},
        "wall_time": 41.25,
    }
    between = b",\n" if layout == "lines" else b", "
    with path.open("wb") as file:
        head = msgspec.json.encode(msgspec.convert(info, RunInfo))
        file.write(b'{"schema":"%b",\n"run":%b,\n"verdicts":[\n' % (SCHEMA.encode(), head))
        for k in range(count):
            file.write((between if k else b"") + msgspec.json.encode(verdict(k, per_subject)))
        file.write(b"\n]}\n")


if __name__ == "__main__":
    count, path, layout, per_subject = (*sys.argv[1:], "lines", "10")[:4] if len(sys.argv) == 3 else sys.argv[1:5]
    write(Path(path), int(count), layout=layout, per_subject=int(per_subject))
