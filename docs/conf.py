"""The site of the documentation: ``make docs`` builds it into out/site.

The pages of docs/ are plain Markdown, which a repository shows as well as the site does. What the
site has beyond them is made here: the order of the pages, the gallery of ``examples/``, and the
reference of every public name. It is written to docs/generated/, which git ignores.
"""

import os
import sys
import warnings
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(DOCS), str(ROOT)]

# Compiled kernels and pictures must not hang on the screen or the folder of whoever builds.
os.environ["MPLBACKEND"] = "Agg"

from _sphinx import gallery, pages, reference

import meshrep

project = "meshrep"
author = "the authors of meshrep"
copyright = author
version = release = meshrep.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_gallery.gen_gallery",
]
root_doc = "index"
# The gallery stands in the place of the list of examples.
exclude_patterns = ["_sphinx", "examples.md", "generated/gallery/*.ipynb", "**/sg_execution_times*"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
templates_path = ["_sphinx/templates"]

myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # pages of measurements are made of parts of lower headings

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say the types
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# Links to other packages come from the inventories that stand in docs/inventories/, so that a
# build needs no network: without an inventory its names are plain text.
INVENTORIES = {
    "matplotlib": "https://matplotlib.org/stable/",
    "networkx": "https://networkx.org/documentation/stable/",
    "numpy": "https://numpy.org/doc/stable/",
    "python": "https://docs.python.org/3/",
    "pyvista": "https://docs.pyvista.org/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
    "torch": "https://docs.pytorch.org/docs/stable/",
}
intersphinx_mapping = {
    name: (address, str(file))
    for name, address in INVENTORIES.items()
    if (file := DOCS / "inventories" / f"{name}.inv").exists()
}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "generated/gallery",
    "filename_pattern": r"\.py$",  # all are run: each is short enough to be a test
    "image_scrapers": ("_sphinx.gallery.scraper",),
    "reset_modules": (),
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 20,
    "plot_gallery": "True",
    "abort_on_example_error": True,
    "only_warn_on_example_error": False,
    "within_subsection_order": "ExampleTitleSortKey",
    "thumbnail_size": (400, 280),
}

html_theme = "pydata_sphinx_theme"
html_title = "meshrep"
html_static_path = ["_sphinx/static"]
html_css_files = ["meshrep.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": []}

warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")


def setup(app):
    """Write what is made from the code, and arrange the pages as they are read."""
    made = DOCS / "generated"
    reference.write(made / "api")
    pages.copy(ROOT, made)
    gallery.FILMS = Path(app.outdir) / "_films"
    app.connect("source-read", pages.arrange)
    app.connect("autodoc-process-docstring", reference.bars)
