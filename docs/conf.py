"""How `make docs` builds the site: Sphinx, furo, MyST-NB. Nothing is fetched; warnings and failing cells are errors."""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

import jupytext
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import Config, GoogleDocstring
from tests.reference import public_places

import lutsmith

project = "lutsmith"
author = "The authors of lutsmith"
release = version = lutsmith.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc"]
source_suffix = {".md": "myst-nb"}  # a page with a head of jupytext is a notebook
exclude_patterns = ["_build", "jupyter_execute"]

nb_execution_mode = "force"  # a notebook is run whenever its page is written: its figures are those of this code
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 600  # seconds for a cell; kernels may have to be compiled
nb_output_stderr = "remove"  # that kernels are being compiled, on a new machine
logging.getLogger("traitlets").setLevel(logging.WARNING)  # that a notebook is run
# In the processes of the notebooks, which run beside each other: warnings are errors, and one thread is enough.
os.environ |= {"PYTHONWARNINGS": "error::UserWarning,error::RuntimeWarning"}
os.environ |= dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"), "1")
nb_merge_streams = True
nb_code_prompt_show = "Show the answer"
nb_code_prompt_hide = "Hide the answer"

html_theme = "furo"
html_title = f"lutsmith {version}"
html_copy_source = html_show_sourcelink = html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["site.css"]

myst_heading_anchors = 6  # the anchors of a code host, so that page.md#heading works in both

default_role = "code"  # docstrings write `code` between single backticks
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
toc_object_entries_show_parents = "hide"

# Imported for types alone, so that they are not there when autodoc asks: matplotlib's, and one that is not public.
nitpick_ignore = [("py:class", "Axes"), ("py:class", "PolishSettings")]

DOCSTRINGS = Config(napoleon_use_rtype=False, napoleon_use_ivar=True, napoleon_attr_annotations=False)
ARRAY = re.compile(r"~?numpy\.ndarray\[tuple\[~?typing\.Any, \.\.\.\], ~?numpy\.dtype\[([^][]+)\]\]")
PLACES = public_places()
NAMES = {place.rpartition(".")[2]: place for place in PLACES.values()}


def reads(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Read a docstring as it is written: plain text with `code` between backticks, and Google's sections.

    What reStructuredText has beyond that is escaped. Docstrings that a method inherits from another library are left
    out, since they refer to pages of that library.
    """
    owner, _, method = name.rpartition(".")
    if what in ("method", "property") and not _documented_here(_found(owner), method):
        lines[:] = []
        return
    text = "\n".join(_marked(lines))
    # A property's docstring is a sentence like any other: napoleon would take what stands before a colon for its type.
    what = "method" if what in ("attribute", "property", "data") else what
    read = GoogleDocstring(text, DOCSTRINGS, None, what, name, value, options).lines()
    # Several names with one text, as in `low, high: the limits`: Sphinx would take all but the last for a type.
    lines[:] = [re.sub(r"^:(?:ivar|param) [^:]+:", lambda names: names[0].replace(", ", ","), line) for line in read]


def _marked(lines: list[str]) -> list[str]:
    """Lines in which code is a literal block, and what reStructuredText would read in a sentence is escaped.

    Code is what is indented below a line that ends in a colon, with an empty line between.
    """
    marked: list[str] = []
    sentences: list[str] = []
    code: int | None = None  # the indentation of the line above the code
    for line, below in zip(lines, [*(line for line in lines[1:]), ""], strict=True):
        indent = len(line) - len(line.lstrip())
        if code is not None and (not line.strip() or indent > code):
            marked.append(line)
            continue
        code = None
        sentences.append(line)
        following = next((later for later in lines[len(marked) + len(sentences) :] if later.strip()), "")
        if line.endswith(":") and not below.strip() and len(following) - len(following.lstrip()) > indent:
            marked += [*_escaped(sentences[:-1]), line if line.endswith("::") else f"{line}:"]
            sentences, code = [], indent
    return marked + _escaped(sentences)


def _escaped(lines: list[str]) -> list[str]:
    spans = re.compile(r"(`[^`]*`)|([*|]|(?<=\w)_(?!\w))")
    return spans.sub(lambda found: found[1] or "\\" + found[2], "\n".join(lines)).split("\n") if lines else []


def shorten(
    app: Sphinx, what: str, name: str, value: Any, options: Any, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Write a signature as its source does: `NDArray[float32]`, and no `<factory>`, which Sphinx cannot read."""
    return tuple(  # type: ignore[return-value]
        text and ARRAY.sub(r"~numpy.typing.NDArray[\1]", text).replace("<factory>", "...")
        for text in (signature, returned)
    )


def _documented_here(owner: Any, name: str) -> bool:
    for base in inspect.getmro(owner) if inspect.isclass(owner) else ():
        if name in vars(base) and getattr(vars(base)[name], "__doc__", None):
            return base.__module__.startswith("lutsmith")
    return True


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element) -> nodes.Node | None:
    """Link what stands in a signature to the page that documents it, wherever it is defined.

    What exists but is not a public name of lutsmith, such as `torch.Tensor`, is shown without a link: the build
    has no network for the inventories of other projects. A name that does not exist stays a warning, and so an error.
    """
    if node.get("refdomain") != "py":
        return None
    target = str(node["reftarget"])
    value = _found(target)
    place = PLACES.get(id(value)) or (NAMES.get(target) if value is None else None)
    if place and place != target:
        domain: Any = env.get_domain("py")
        return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", place, node, content)
    return content if value is not None or _written_somewhere(target) else None


def _written_somewhere(dotted: str) -> bool:
    """Whether some module of lutsmith knows the name as it is written, such as `np.int32` or `Tensor`."""
    for name, module in list(sys.modules.items()):
        if name.startswith("lutsmith"):
            value: Any = module
            for part in dotted.split("."):
                value = getattr(value, part, None)
            if value is not None:
                return True
    return False


def _found(dotted: str) -> Any:
    """What a dotted name stands for; None where there is none."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            value: Any = importlib.import_module(".".join(parts[:cut]))
        except (ImportError, ValueError):
            continue
        for part in parts[cut:]:
            value = getattr(value, part, None)
        return value
    return None


def offer(app: Sphinx, doctree: nodes.document) -> None:
    """Put a link to the file that Jupyter opens below the title of a notebook."""
    folder, _, name = app.env.docname.rpartition("/")
    if folder == "notebooks":
        link = f'<p class="download"><a href="{name}.ipynb" download>Download this page as a notebook</a></p>'
        doctree[0].insert(1, nodes.raw("", link, format="html"))


def write_notebooks(app: Sphinx, exception: Exception | None) -> None:
    """Write the notebooks beside their pages, without output. Links between them stay; others would lead nowhere."""
    for source in sorted(Path(app.srcdir, "notebooks").glob("*.md")) if exception is None else ():
        text = re.sub(r"\]\((\w+)\.md\)", r"](\1.ipynb)", source.read_text("utf-8"))
        text = re.sub(r"\[([^]\[]+)\]\(\.\./[^)]*\)", r"\1", text)
        jupytext.write(jupytext.reads(text, "md:myst"), Path(app.outdir, "notebooks", f"{source.stem}.ipynb"))


def setup(app: Sphinx) -> None:
    """Connect the above."""
    app.connect("doctree-read", offer)
    app.connect("build-finished", write_notebooks)
    app.connect("autodoc-process-docstring", reads)
    app.connect("autodoc-process-signature", shorten)
    app.connect("missing-reference", resolve)
