"""The documentation: prose from here, the catalogue, the folklore, the findings and every picture made by the build."""

import importlib.metadata
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import accessible  # noqa: E402 - found through the line above
import catalogue  # noqa: E402
import compared  # noqa: E402
import docstrings  # noqa: E402
import findings  # noqa: E402
import frameworks  # noqa: E402
import gallery  # noqa: E402
import learning  # noqa: E402
import performance  # noqa: E402
import pictures  # noqa: E402

project = "varlaw"
release = importlib.metadata.version("varlaw")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
root_doc = "index"
# The first as `nox -s accuracy` leaves it here; the others are included by pages.
exclude_patterns = ["_build", *(f"_generated/{n}.md" for n in ("accuracy", "symptoms", "words", "frameworks"))]
html_theme = "furo"
html_title = f"varlaw {release}"
html_static_path = ["_static", *(f"../reports/templates/{n}" for n in ("math.css", "math.woff2", "OFL.txt"))]
html_css_files = ["page.css", "math.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_mock_imports = ["pytest"]  # the plugin is described where pytest need not be
python_use_unqualified_type_names = True
smartquotes = False  # a prime is no quotation mark


def setup(app: Any) -> None:
    """Make the generated pages and pictures before Sphinx looks for sources; read docstrings as the prose they are."""
    generated = HERE / "_generated"
    catalogue.write(generated)
    findings.write(generated)
    frameworks.write(generated)
    pictures.write(generated / "pictures")
    learning.write(generated)
    compared.write(generated)
    performance.write(generated)
    gallery.write(generated)
    app.connect("autodoc-skip-member", docstrings.is_silent)
    app.connect("build-finished", finish)
    app.connect("autodoc-process-docstring", docstrings.as_restructured_text)


def finish(app: Any, failure: Exception | None) -> None:
    """Put into the pages what the theme leaves out for keyboards and screen readers."""
    if failure is None and app.builder.name == "html":
        accessible.fix(Path(app.outdir))
