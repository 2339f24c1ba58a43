"""How Sphinx builds these pages: `make docs`."""

from credits_core import __version__

project = "Credits SDK"
author = "The Credits SDK authors"
project_copyright = author
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = f"Credits SDK {release}"

# Docstrings mark code by single backticks, as these pages do.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autoclass_content = "both"
myst_heading_anchors = 3
