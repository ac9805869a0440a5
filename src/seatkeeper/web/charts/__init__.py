"""Charts as SVG: classes and attributes alone, no style, no script; the look stands in the CSS."""
