"""Bars side by side, one panel for each figure, as an SVG that needs no font and no script."""

from xml.sax.saxutils import escape

COLORS = {"trivet": "#0b6e4f", "kernel floor": "#9aa0a6", "kernel floor, confined": "#c4c8cc"}
OTHER_COLORS = ["#c75c3a", "#d9a441", "#5b7db1", "#8a5a83", "#4f9da6"]
COLUMNS, PANEL, LABEL, BAR, ROW, HEAD = 2, 520, 200, 230, 24, 34


def color_of(name, names):
    others = [other for other in names if other not in COLORS]
    return COLORS.get(name) or OTHER_COLORS[others.index(name) % len(OTHER_COLORS)]


def text(x, y, words, more=""):
    return f'<text x="{x}" y="{y}" {more}>{escape(words)}</text>'


def panel(left, top, title, figures):
    yield text(left, top + 16, title, 'font-weight="bold"')
    most = max(figures.values()) or 1
    for row, (name, value) in enumerate(figures.items()):
        y, width = top + HEAD + row * ROW, max(1, BAR * value / most)
        yield text(left + LABEL - 8, y + 12, name, 'text-anchor="end"')
        yield f'<rect x="{left + LABEL}" y="{y}" width="{width:.1f}" height="16" fill="{color_of(name, figures)}"/>'
        yield text(f"{left + LABEL + width + 6:.1f}", y + 12, f"{value:.3g}")


def draw(panels):
    panels = list(panels)
    height_of_panel = HEAD + ROW * max(len(figures) for _, figures in panels) + 20
    lines = (len(panels) + COLUMNS - 1) // COLUMNS
    width, height = COLUMNS * PANEL + 20, lines * height_of_panel + 20
    shapes = [shape for index, (title, figures) in enumerate(panels)
              for shape in panel(10 + index % COLUMNS * PANEL, 10 + index // COLUMNS * height_of_panel, title, figures)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            'font-family="sans-serif" font-size="12" fill="#202124">\n'
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n' + "\n".join(shapes) + "\n</svg>\n")
