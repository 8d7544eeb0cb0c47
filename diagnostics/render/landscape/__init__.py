"""Landscapes as text, SVG, PNG, HTML and JSON. `layout` places shapes; SVG and PNG draw the same ones."""
