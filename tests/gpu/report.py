"The page that a person reads, and the verdict on each bar. Needs only Python's standard library."

from plan import BARS, PARTS


def value_of(parts, part, row, key):
    found = parts.get(part, {}).get('rows', {}).get(row, {})
    return found.get(key)


def figure(bar, parts):
    "What was measured for a bar, or None."
    got = next((v for where in bar.rows if (v := value_of(parts, *where)) is not None), None)
    if got is None or not bar.over: return got
    part, row, key = bar.over
    under = value_of(parts, part, row, key)
    return round(got/under, 3) if under else None


def judge(report):
    "One row for each bar. A run without a card has figures and no verdicts."
    rows = []
    for bar in BARS:
        got = figure(bar, report['parts'])
        good = None if got is None else got <= bar.limit if bar.most else got >= bar.limit
        verdict = 'not measured' if got is None else 'no verdict' if report['device'] != 'cuda' or \
            report['size'] != 'full' else 'pass' if good else 'FAIL'
        rows.append(dict(what=bar.what, before=bar.before, bar=('<= ' if bar.most else '>= ') + f'{bar.limit:g}',
                         unit=bar.unit, measured=got, verdict=verdict))
    return rows


def shown(v):
    if isinstance(v, float): return f'{v:.0f}' if abs(v) >= 100 else f'{v:.3g}'
    return '-' if v is None else 'yes' if v is True else 'no' if v is False else str(v)


def lined(rows, head, left=(0,)):
    "A table in columns; those in `left` are aligned left."
    cells = [head] + [[shown(v) for v in r] for r in rows]
    wide = [max(len(r[i]) for r in cells) for i in range(len(head))]
    return ['  ' + '  '.join(c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(r, wide))).rstrip()
            for r in cells]


def batches(rows):
    return sorted((k for k in rows if k.startswith('batch ') and k[6:].isdigit()), key=lambda k: int(k[6:]))


def stage_table(title, part):
    "Milliseconds a frame: a line for each stage, its network alone in brackets, a column for each batch."
    rows, order = part.get('rows', {}), batches(part.get('rows', {}))
    if not order: return []
    keys = [k for k in dict.fromkeys(k for n in order for k in rows[n]) if not k.startswith(('net ', 'first_call'))]

    def cell(n, k):
        net = rows[n].get(f'net {k}')
        return shown(rows[n].get(k)) + (f' ({shown(net)})' if net is not None else '')
    body = [[k] + [cell(n, k) for n in order] for k in keys]
    body.append(['first call, s'] + [rows[n].get('first_call_s') for n in order])
    return ['', f'{title}: milliseconds a frame (the network alone in brackets)', *lined(body, ['', *order])]


def row_table(title, part, keys=None):
    "A line for each row that was measured."
    rows = part.get('rows', {})
    if not rows: return []
    keys = keys or list(dict.fromkeys(k for r in rows.values() for k in r if k != 'all'))
    heads = [k.replace('_', ' ') for k in keys]
    return ['', title, *lined([[n] + [r.get(k) for k in keys] for n, r in rows.items()], ['', *heads])]


def text_of(report):
    "The whole page."
    parts, m = report['parts'], report['machine']
    of = lambda name: parts.get(name, {})
    on = f"{m.get('card', '?')}, driver {m.get('driver') or '-'}, {m.get('cores', '?')} cores"
    lines = [
        f"swapkit {report['about']['version']}, commit {report['about']['commit']}: measured on {on}",
        f"torch {m.get('torch')}, CUDA {m.get('cuda')}, Python {m.get('python')}, ffmpeg {m.get('ffmpeg')}; "
        f"{report['seconds']:.0f} s of {60*report['minutes']:.0f}; random weights",
    ]
    if report['size'] == 'tiny': lines.append('The smallest trial: the only network of the neural chain is BiSeNet.')
    if report['device'] == 'cpu': lines.append('A trial without a card: no number here says anything about a card.')
    elif 'H100' not in m.get('card', ''): lines.append('The bars are for an H100 with 16 cores.')
    lines += ['', 'Bars', *lined([[r[k] for k in ('what', 'before', 'bar', 'measured', 'unit', 'verdict')]
                                  for r in report['bars']], ['', '0.5.0', 'bar', 'measured', '', 'verdict'], (0, 4, 5))]
    close = {f"{p.split(' chain')[0]}: {n}": v for p in parts if p.endswith('equals the CPU')
             for n, v in parts[p]['rows'].items() if 'largest' in v}
    files = {f'file: {n}': v for n, v in of('film and photo from file to file').get('rows', {}).items()
             if 'largest' in v}
    large = {n: v for n, v in of('batches that are too large').get('rows', {}).items() if 'largest' in v}
    lines += row_table('Pictures of the card against those of the CPU, in levels of 255 (at most 2 is right; fp16 and '
                       'bf16 round)', dict(rows=close | files | large), ['largest', 'mean', 'pixels_over_2'])
    first = of('first pass equals the CPU').get('rows', {}).get('largest distance, pixels')
    if first: lines.append(f"  first pass: boxes {shown(first['boxes'])}, landmarks {shown(first['landmarks'])} pixels "
                           'apart')
    lines += stage_table('Built-in chain', of('built-in chain, stages'))
    lines += stage_table('Neural chain, eager', of('neural chain, stages'))
    lines += row_table('Neural chain, other number formats: milliseconds a frame', dict(rows={
        n: v for n, v in of('neural chain, stages').get('rows', {}).items() if not n.startswith('batch')}), ['chain'])
    lines += stage_table('Neural chain, compiled', of('neural chain, compiled'))
    compiling = {n: v for n, v in of('neural chain, compiled').get('rows', {}).items() if n.startswith('compiling')}
    lines += row_table('Compiling the three networks, for all batches at once', dict(rows=compiling))
    lines += row_table('Calls of the CUDA runtime in one batch', dict(
        rows=of('launches, waits and copies of a batch').get('rows', {}) |
        of('launches, waits and copies in a job').get('rows', {})),
                       ['launches', 'waits', 'copies', 'operations', 'wall_ms', 'card_ms'])
    films = {n: v for p in ('first pass', 'whole jobs, and ffmpeg alone', 'second pass, frames thrown away',
                            'more films', 'readers and encoders of the card', 'several cards')
             for n, v in ((f'thrown away: {n}' if 'thrown' in p else f'first pass: {n}' if p == 'first pass' else n, v)
                          for n, v in of(p).get('rows', {}).items() if 'why' not in v and 'ms a frame' not in v)}
    films = {n: v | ({'first pass': v['warm']} if 'warm' in v else {}) |
             (dict(whole=v['frames/s']) if 'frames/s' in v else {}) for n, v in films.items()}
    lines += row_table('Films, frames a second; card busy in percent', dict(rows=films),
                       ['batch', 'first pass', 'second pass', 'later half', 'whole', 'card_busy'])
    for name in ('memory of the card', 'copies to the card and back'): lines += row_table(name.capitalize(), of(name))
    lines += ['', *troubles(report)]
    return '\n'.join(lines) + '\n'


def troubles(report):
    "What failed and what was not measured, each with its reason."
    parts, said = report['parts'], []
    for name, p in parts.items():
        if p.get('status', 'measured') != 'measured': said.append(f"  {name}: {p['status']}: {p.get('why', '')}")
        said += [f"  {name}, {n}: {v['why']}" for n, v in p['rows'].items() if 'why' in v]
    said += [f'  {p.name}: not begun' for p in PARTS if p.name not in parts]
    return ['Failed or not measured', *said] if said else ['Everything was measured, and nothing failed.']
