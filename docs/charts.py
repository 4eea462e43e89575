"""Charts as SVG: bars that lie, with their names above them, so that they can be read on a narrow screen.

Their text has the color of the page's text and their bars have colors of the style sheet, which has a dark version."""
from html import escape

WIDTH, ROW, BAR, GAP = 360, 19, 13, 8


def shown(value, unit=''):
    "A figure with three digits that count, and its unit."
    text = f'{value:,.0f}' if abs(value) >= 100 or value == int(value) else f'{value:.3g}'
    return f'{text}\u00a0{unit}'.rstrip()


def legend(series, y=12):
    "The names of the colors, in one line."
    x, out = 0, []
    for i, name in enumerate(series):
        out.append(f'<rect class="c{i}" x="{x}" y="{y - 9}" width="10" height="10" rx="2"/>'
                   f'<text x="{x + 15}" y="{y}">{escape(name)}</text>')
        x += 15 + 6.6*len(name) + 16
        if x > WIDTH - 60: x, y = 0, y + 16
    return ''.join(out), y + 10 if x else y - 6


def bars(title, rows, series=('',), unit='', most=None, mark=None):
    """A chart of bars: `rows` is (name, values), a value for each of `series`, or None. `most` is the value of a full
    bar, `mark` a (value, what it says) with a line through all bars. Raises ValueError where nothing would be seen."""
    rows = [(name, list(values)) for name, values in rows]
    known = [v for _, values in rows for v in values if v is not None]
    if not known or not any(known): raise ValueError(f'the chart {title!r} has no data')
    if any(len(values) != len(series) for _, values in rows): raise ValueError(f'{title!r}: values and series differ')
    full = most or max(known + ([mark[0]] if mark else []))
    room = WIDTH - 62                                       # the rest is for the figure behind the bar
    body, y = legend(series) if len(series) > 1 else ('', 0)
    parts, top = [body], y
    for name, values in rows:
        if name:
            y += ROW
            parts.append(f'<text class="name" x="0" y="{y - 5}">{escape(str(name))}</text>')
        for i, v in enumerate(values):
            if v is None: continue
            long = max(1, v/full*room)
            parts.append(f'<rect class="c{i}" x="0" y="{y}" width="{long:.1f}" height="{BAR}" rx="2">'
                         f'<title>{escape(f"{name} {series[i]}".strip())}: {escape(shown(v, unit))}</title></rect>'
                         f'<text x="{long + 5:.1f}" y="{y + BAR - 2}">{escape(shown(v, unit))}</text>')
            y += BAR + 3
        y += GAP
    if mark:
        x = mark[0]/full*room
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + 4}" y2="{y}"/>'
                     f'<text class="mark" x="{min(x, WIDTH - 6.6*len(mark[1])):.1f}" y="{y + 12}">'
                     f'{escape(mark[1])}</text>')
        y += 16
    said = f'<svg class="chart" role="img" viewBox="0 0 {WIDTH} {y}" xmlns="http://www.w3.org/2000/svg">'
    return f'<figure class="chart"><figcaption>{escape(title)}</figcaption>{said}{"".join(parts)}</svg></figure>'
