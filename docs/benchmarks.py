"""The pages of benchmarks: for each file of `results/` what was measured, a chart, the command, and all figures.

A file that is not described here has a section on the page of other figures."""
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from charts import bars
from md import page, plain, table, toctree

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Benchmark:
    "What a page says of a file of results."
    title: str
    measured: str           # what was measured, in plain sentences
    command: str            # that makes the file today
    charts: Callable        # data → list of SVG
    page: str               # of the notebook that explains it
    result: Callable        # data → the result in one sentence


def film(name): return Path(name).stem.replace('_', ' ')


def sole(values):
    "A chart's row of one bar."
    return [(k, [v]) for k, v in values.items()]


# --- charts -----------------------------------------------------------------------------------------------------------

def versions(data):
    "This version and the older one that a comparison ran beside it."
    before = re.search(r'--before \S*?(\d+\.\d+\.\d+)', data.get('command', ''))
    return (data.get('machine') or {}).get('swapkit', 'now'), before[1] if before else 'before'


def speed_charts(data):
    rate = [(film(r['film']), [r['frames_per_second'].get(k) for k in ('after', 'before')]) for r in data['rows']]
    parts = [(film(r['film']), [r['seconds']['after'].get(k) for k in ('analyze', 'render', 'finish')])
             for r in data['rows']]
    return [
        bars('Frames per second, from file to file (longer is better)', rate, versions(data)),
        bars('Seconds of each part (shorter is better)', parts, ('first pass', 'second pass', 'join and mark'), 's'),
    ]


def speed_result(data):
    rates = [r['frames_per_second']['after'] for r in data['rows']]
    return f'{min(rates):.0f} to {max(rates):.0f} frames per second, depending on the size of the film.'


def stage_charts(data):
    out = []
    for size in sorted({tuple(r['size']) for r in data['rows']}):
        rows, batches = {}, sorted({r['batch'] for r in data['rows']})
        for r in data['rows']:
            if tuple(r['size']) == size: rows.setdefault(r['stage'], {})[r['batch']] = r['ms']
        out.append(bars(f'Milliseconds per frame at {size[1]} × {size[0]} (shorter is better)',
                        [(stage, [by.get(b) for b in batches]) for stage, by in rows.items()],
                        [f'batch of {b}' for b in batches], 'ms'))
    return out


def stage_result(data):
    whole = {(tuple(r['size']), r['batch']): r['ms'] for r in data['rows'] if r['stage'] == 'whole'}
    if not whole: return ''
    size, most = max(whole)
    return (f'All stages together take {whole[size, most]:.0f} ms per frame of {size[1]} × {size[0]} in batches of '
            f'{most}, and {whole[size, min(b for s, b in whole if s == size)]:.0f} ms one frame at a time.')


def own_charts(data):
    rows = [(film(r['film']), [r['frames_per_second'][k] for k in ('swapkit', 'ffmpeg')]) for r in data['rows']]
    return [bars('Frames per second (longer is better)', rows, ('swapkit without networks', 'ffmpeg alone'))]


def own_result(data):
    ratios = [100*r['ratio'] for r in data['rows']]
    return f'{min(ratios):.0f} to {max(ratios):.0f} % of the speed of ffmpeg alone.'


def memory_charts(data):
    rows = []
    for r in data['rows']:
        rows += [(f"{film(r['film'])}, {r[k]['seconds']} s", [r[k]['peak_MB']]) for k in ('short', 'long')]
    return [bars('Peak memory (shorter is better)', rows, unit='MB')]


def memory_result(data):
    r = data['rows'][0]
    return (f"A film {r['long']['seconds'] / r['short']['seconds']:.0f} times as long needs "
            f"{r['ratio']:.2f} times the memory.")


def long_charts(data):
    rows = [(f'quarter {i + 1}', [v]) for i, v in enumerate(data['resident_MB_by_quarter'])]
    return [bars('Memory while the film is rendered', rows, unit='MB')]


def long_result(data):
    stamps = 'every time stamp is equal' if data['every_stamp_equal'] else 'not every time stamp is equal'
    ticks = data['off_by_ticks']
    end = 'sound and picture end as in the target' if not ticks else f'sound and picture end {ticks:g} ticks off'
    return f"{data['frames_result']:,} of {data['frames']:,} frames are in the result, {stamps}, and {end}."


def look_charts(data):
    rows = [(f"{film(r['film'])} · {r['source']}", [r.get('identity'), r.get('identity_before')]) for r in data['rows']]
    same = [(f"{film(r['film'])} · {r['source']}", [r.get('mouth_correlation'), r.get('eyes_correlation')])
            for r in data['rows']]
    return [
        bars('Likeness to the source (longer is better)', rows, ('after the swap', 'before'),
             mark=(.28, 'above 0.28: one person')),
        bars('Expression kept: correlation with the target (1 is equal)', same, ('mouth', 'eyes'), most=1),
    ]


def look_result(data):
    known = sorted(r['identity'] for r in data['rows'] if r.get('identity') is not None)
    return f'Likeness to the source is {known[0]:.2f} to {known[-1]:.2f}, in the median {known[len(known)//2]:.2f}.'


def steady_charts(data):
    kinds = ('none', 'one_euro', 'savgol', 'kalman')
    def known(r): return r['landmarks'] == 'face_mesh_468'
    rows, swaps = {}, {}
    for r in data['jitter']['rows']:
        if known(r): rows.setdefault(film(r['film']), {})[r['method']] = r['acceleration']
    for r in data['swap']['rows']: swaps.setdefault(f"{film(r['film'])}", {})[r['smooth']] = r['jump_ratio']
    smooth = [k for k in kinds if any(k in by for by in swaps.values())]
    cost = [r for r in data['cost']['rows'] if known(r)] or data['cost']['rows']
    parts = [(k, [sum(r['ms_per_frame'][k] for r in cost)/len(cost)]) for k in cost[0]['ms_per_frame']]
    return [
        bars('Jitter of the landmarks, in thousandths of the distance of the eyes (shorter is better)',
             [(name, [1000*by[k] if k in by else None for k in kinds]) for name, by in rows.items()], kinds),
        bars('Jumps of the swapped face, relative to the target itself',
             [(name, [by.get(k) for k in smooth]) for name, by in swaps.items()], smooth, mark=(1, 'as the target')),
        bars('Milliseconds per frame of each part of the first pass', parts, unit='ms'),
    ]


def steady_result(data):
    rows = [r for r in data['jitter']['rows'] if r['landmarks'] == 'face_mesh_468']
    jitter = {(r['film'], r['method']): r['acceleration'] for r in rows}
    left = [100*jitter[f, 'kalman']/jitter[f, 'none'] for f, m in jitter if m == 'kalman']
    return f'With the default smoother (kalman), {min(left):.0f} to {max(left):.0f} % of the jitter is left.'


def matrix_charts(data):
    rows = [(name, [sum(r.get(name) is True for r in data['rows'])]) for name in data['checks']]
    return [bars(f"Films that pass each check, of {len(data['rows'])}", rows, most=len(data['rows']))]


def matrix_result(data):
    return (f"{data['true']} of {data['cells']} checks hold, {data['exceptions']} are known exceptions, "
            f"{data['failed']} fail.")


def films_charts(data):
    rows = [(film(r['target']), [r['frames'], r['frames_result']]) for r in data['rows']]
    return [bars('Frames', rows, ('target', 'result'))]


def films_result(data):
    worst, sound = max(r['worst_stamp'] for r in data['rows']), all(r['audio_equal'] for r in data['rows'])
    return f"The largest error of a time stamp is {worst:g} s; the sound is {'equal' if sound else 'not equal'}."


def hostile_charts(data):
    names = {'0': 'done, the fault does not matter', '2': 'bad input (code 2)', '3': 'no face (code 3)',
             '4': 'model (code 4)', '5': 'system (code 5)'}
    codes = [(names.get(k, f'code {k}'), [v]) for k, v in sorted(data['codes'].items())]
    return [
        bars(f"How the {data['inputs']} commands ended", codes),
        bars('What was wrong with the files', sole(data['ways'])),
    ]


def hostile_result(data):
    return (f"{data['inputs']} files: {data['wrong']} wrong answers, {data['hangs']} hangs, {data['crashes']} crashes, "
            f"{data['tracebacks']} tracebacks, {data['leftovers']} files left behind.")


def resume_charts(data):
    disk = data['full_disk']
    rows = [('killed (SIGKILL)', [data['kill']['rounds'], data['kill']['identical']]),
            ('stopped (Ctrl-C)', [data['stop']['rounds'], data['stop']['identical']]),
            ('disk full', [len(disk), sum(r['same'] for r in disk)])]
    return [bars('Rounds, and results identical to the undisturbed one', rows, ('rounds', 'identical'))]


def resume_result(data):
    return (f"{data['kill']['identical']} of {data['kill']['rounds']} results after a kill and "
            f"{data['stop']['identical']} of {data['stop']['rounds']} after Ctrl-C are identical to the undisturbed "
            "one.")


def gpu_tables(data):
    "Chains and films of a report of the measuring archive, under the names that the file of 0.7.0 has."
    if 'parts' not in data: return data
    def rows(part): return data['parts'].get(part, {}).get('rows', {})
    parts = {'built-in': 'built-in chain, stages', 'neural': 'neural chain, stages',
             'neural, compiled': 'neural chain, compiled'}
    chains = {f'{kind} {n[6:]}': dict(a_frame=r['chain']) for kind, part in parts.items()
              for n, r in rows(part).items() if n[6:].isdigit() and 'chain' in r}
    some = rows('whole jobs, and ffmpeg alone') | rows('more films')
    films = {k: {p: r.get(p.replace('_', ' ')) for p in ('first_pass', 'second_pass', 'whole')}
             for k, r in some.items() if 'whole' in r}
    films['reader alone'] = some.get('reader alone', {}).get('frames/s', 0)
    return data | {'chains, milliseconds a batch': chains, 'file to file, frames a second': films}


def gpu_charts(data):
    data = gpu_tables(data)
    chains = data['chains, milliseconds a batch']
    sizes = sorted({int(k.split()[-1]) for k in chains})
    kinds = list(dict.fromkeys(k.rsplit(' ', 1)[0] for k in chains))
    rows = [(f'batch of {n}', [chains.get(f'{k} {n}', {}).get('a_frame') for k in kinds]) for n in sizes]
    whole = data['file to file, frames a second']
    parts = ('first_pass', 'second_pass', 'whole')
    files = [(k, [v[p] for p in parts]) for k, v in whole.items() if isinstance(v, dict)]
    return [
        bars('Milliseconds per frame of the second pass, without files (shorter is better)', rows, kinds, 'ms'),
        bars('Frames per second from file to file (longer is better)', files,
             [p.replace('_', ' ') for p in parts], mark=(whole['reader alone'], 'reader alone')),
    ]


def gpu_result(data):
    films = gpu_tables(data)['file to file, frames a second']
    rates = [v['whole'] for v in films.values() if isinstance(v, dict)]
    return f"{min(rates):.0f} to {max(rates):.0f} frames per second from file to file on one {data['machine']['card']}."


def neural_charts(data):
    out = []
    for precision, rows in data['rows'].items():
        stages = list(dict.fromkeys(k for r in rows for k in r['stages'] if k != 'chain'))
        shown = [(k.replace('colours', 'colors'), [r['stages'].get(k) for r in rows]) for k in stages]
        out.append(bars(f'Milliseconds per frame of each stage (precision {precision})', shown,
                        [f"batch of {r['batch']}" for r in rows], 'ms'))
    return out


def neural_result(data):
    ratios = [r['ratio'] for rows in data['rows'].values() for r in rows]
    return f'The whole chain takes {min(ratios):.2f} to {max(ratios):.2f} times as long as its networks alone.'


def built_in_charts(data):
    views = data['mesh']['all']
    find = [(film(k), [v['recall'], v['precision']]) for k, v in data['detector'].items()]
    speed = {k: v for k, v in data['speed']['milliseconds'].items()}
    return [
        bars('Detector: faces found, and boxes that are right (1 is all)', find, ('found', 'right'), most=1),
        bars('Mesh: distance from the teacher by yaw, in percent of the distance of the eyes (shorter is better)',
             [(f'{k} degrees', [v['mean'] and 100*v['mean'], v['p90'] and 100*v['p90']]) for k, v in views.items()],
             ('mean', 'nine tenths are below'), '%'),
        bars('Milliseconds per frame or face (shorter is better)', sole(speed), unit='ms'),
    ]


def built_in_result(data):
    found = data['detector']['all_single_person_films']['recall']
    return (f"In films with one person the detector finds {100*found:.0f} % of the faces; the mesh is "
            f"{100*data['mesh_to_30']:.1f} % of the distance of the eyes away from its teacher, up to a yaw of 30°.")


def detect_result(data):
    ratios = [100*r['batch_to_single'] for r in data['rows']]
    return f'A frame in a batch takes {min(ratios):.0f} to {max(ratios):.0f} % of the time that it takes alone.'


def detect_charts(data):
    kinds = ('batch', 'single', 'opencv')
    rows = [(film(r['film']), [1000*r['seconds_per_frame'][k] for k in kinds]) for r in data['rows']]
    return [bars('Milliseconds per frame (shorter is better)', rows,
                 ('batch of 16', 'one by one', 'OpenCV, one by one'), 'ms')]


def device_charts(data):
    kinds = ('operations', 'waits', 'copies')
    got = {v: c['second pass'] for v, c in data['versions'].items()}
    return [bars(f'{kind} in a batch of the second pass (fewer is better)', [(v, [c[kind]]) for v, c in got.items()],
                 (kind,)) for kind in kinds]


def device_result(data):
    first, now = (list(data['versions'].values())[i]['second pass'] for i in (0, -1))
    return (f"For a batch the host starts {now['operations']:.0f} operations, waits {now['waits']:.0f} times for the "
            f"card and copies {now['copies']:.0f} times; {first['operations']:.0f}, {first['waits']:.0f} and "
            f"{first['copies']:.0f} in 0.5.0.")


def kornia_charts(data):
    rows = [r for r in data['rows'] if r['faces'] == 8 and r['threads'] in (0, 1)]
    return [bars('Operations of torch on a GPU, each of which is a launch (shorter is better)',
                 [(r['pair'].split(' · ')[0], [r['operations_ours'], r['operations_kornia']]) for r in rows
                  if r['operations_kornia'] < 100], ('swapkit', 'kornia'))]


def kornia_result(data):
    rows = [r for r in data['rows'] if r['faces'] == 8 and r['threads'] in (0, 1)]
    faster = sum(r['time'] >= 1 for r in rows)
    return (f"Of {len(rows)} pairs of functions, swapkit's is at least as fast in {faster}; kornia's starts fewer "
            f"operations on a GPU in {sum(r['operations_kornia'] < r['operations_ours'] for r in rows)}.")


def parser_charts(data):
    found = data['with_teachers']
    rows = {'face, with its teacher': found['face']['mean'], 'hair, with its teacher': found['hair']['mean'],
            'drawn in front': data['drawn']['in_front'], 'drawn glasses': data['drawn']['glasses']}
    return [bars('Intersection over union (longer is better)', sole(rows), ('tiny_parse',))]


def parser_result(data):
    found, drawn = data['with_teachers'], data['drawn']
    return (f"On {data['people']} people who were kept out of the training: face {found['face']['mean']:.2f}, hair "
            f"{found['hair']['mean']:.2f}, things in front {drawn['in_front']:.2f}, glasses {drawn['glasses']:.2f}; "
            f"{data['milliseconds_a_face']:.1f} ms for a face.")


REFINED = {'plain': 'the photo as it is', 'light': 'the photo in another light', 'builtin': 'built-in landmarks'}


def refiner_charts(data):
    found = next(iter(data['sets'].values()))['means']
    series = 'without', 'with'
    both = lambda c, what, k: [found[c][v][what][k] for v in series]
    whats = {'own': 'nothing to do', 'got': 'the photo onto F'}
    rows = [(f'{REFINED[c]}: {said}', both(c, w, 'slow')) for c in found for w, said in whats.items()]
    bands = [k for k in found['plain']['with']['got'] if k.startswith('contrast ')]
    return [bars('Slow color difference from the true face (shorter is better)', rows, series),
            bars('Contrast of bands, truth = 1', [(f'{k[9:]} px', both('plain', 'got', k)) for k in bands], series,
                 mark=(1, 'truth')), *refined_films(data)]


def refined_films(data):
    if 'films' not in data: return []
    names = dict(jump_ratio='jitter', flicker_ratio='flicker', warp_ratio='change of texture')
    mean = lambda k, name: sum(r[name] for r in data['films']['rows'][k])/len(data['films']['rows'][k])
    rows = [(words, [mean(k, name) for k in ('without', 'with')]) for name, words in names.items()]
    return [bars("Films: restlessness, the target's is 1", rows, ('without', 'with'), mark=(1, 'target'))]


def refiner_result(data):
    name, found = next(iter(data['sets'].items()))
    got = {v: found['means']['plain'][v]['got'] for v in ('without', 'with')}
    lines = found['verdict']
    return (f"{found['people']} people: the slow difference falls from {got['without']['slow']:.2f} to "
            f"{got['with']['slow']:.2f}, likeness goes from {got['without']['likeness_independent']:.3f} to "
            f"{got['with']['likeness_independent']:.3f}; {sum(x['ok'] for x in lines)} of {len(lines)} bars are "
            "reached.")


def decord_result(data):
    read = [r for r in data['exactness'] if not r['refused']]
    wrong = sum(bool(r['wrong_jumps'] or r['most']) for r in read)
    single = sorted(r[k]['cpu'] for r in data['speed'] for k in ('twelve', 'random'))
    whole = sorted(r['whole']['cpu'] for r in data['speed'] if 'whole' in r)
    return (f"Of {len(read)} films that are given to decord {wrong} come out wrong; it needs {single[0]:.2f} to "
            f"{single[-1]:.2f} times the CPU time of PyAV for some frames, {whole[0]:.2f} to {whole[-1]:.2f} times for "
            "all.")


def decord_charts(data):
    kinds = ('whole', 'twelve', 'random', 'one')
    rows = [(film(r['film']), [r[k]['cpu'] if k in r else None for k in kinds]) for r in data['speed']]
    moved = {}
    for way, got in data['first_pass']['landmarks'].items():
        for r in got['rows']: moved.setdefault(r['face'], {})[way] = r['mean_px']
    ways = list(data['first_pass']['landmarks'])
    return [
        bars('CPU time of decord / CPU time of PyAV (shorter is better)', rows,
             ('whole film', 'twelve frames', 'six in any order', 'one frame'), mark=(1, 'PyAV')),
        bars('How far landmarks move when frames are read smaller, by size of the face',
             [(f'face of {face}', [by.get(w) for w in ways]) for face, by in moved.items()], ways, 'px'),
    ]


def reversed_rows(data, **want):
    "Rows of the table of pairs with these values."
    return [r for r in data['pairs'] if all(r[k] == v for k, v in want.items())]


def reversed_charts(data):
    plain = reversed_rows(data, light='the same', landmarks='auto')
    sets, versions = (list(dict.fromkeys(r[k] for r in plain)) for k in ('set', 'version'))
    got = {(r['set'], r['version'], r['what']): r for r in plain}
    whats = {'F': 'nothing done', 'own': 'nothing to do', 'got': 'the photo onto F'}
    rows = [(f'{s}: {said}', [got[s, v, w]['slow'] for v in versions]) for s in sets for w, said in whats.items()]
    bands = [k[9:] for k in plain[0] if k.startswith('contrast ')]
    first = [(f'band {b} px', [got[sets[0], v, 'got'][f'contrast {b}'] for v in versions]) for b in bands]
    spread = [(r['kind'], r['version'], r['ratio']) for r in data['spread'] if r['figure'] == 'slow']
    kinds = list(dict.fromkeys(k for k, _, _ in spread))
    ratio = {(k, v): x for k, v, x in spread}
    charts = [
        bars('Slow color difference from the true face (shorter is better)', rows, versions),
        bars('Contrast of the result / contrast of the true face, the photo onto F (1 is right)', first, versions,
             mark=(1, 'as the true face')),
    ]
    if not kinds: return charts
    spread = [(k, [ratio.get((k, v)) for v in versions]) for k in kinds]
    return [*charts, bars('Color difference of the worst served group / the best', spread, versions,
                          mark=(1.3, 'at most'))]


def reversed_result(data):
    rows = reversed_rows(data, light='the same', landmarks='auto', what='got')
    own = {(r['set'], r['version']): r for r in reversed_rows(data, light='the same', landmarks='auto', what='own')}
    rows = [r for r in rows if r['set'] == rows[0]['set']]
    return '; '.join(f"{r['version']}: {r['slow']:.1f} where the photo is put onto F, "
                     f"{own[r['set'], r['version']]['slow']:.1f} where there is nothing to do" for r in rows) + '.'


def pair_check_charts(data):
    rows = [(mark, [n, named]) for mark, (n, named) in data['counts'].items()]
    return [bars('Pairs by what their swap looks like, and how many the check names', rows, ('pairs', 'named'))]


def pair_check_result(data):
    counts = data['counts']
    bad, named = (sum(counts[m][k] for m in ('wrong', 'grotesque')) for k in (0, 1))
    fine, warned = (sum(counts[m][k] for m in ('believable', 'odd')) for k in (0, 1))
    return (f'Of {bad} pairs that came out wrong or grotesque the check names {named}; of the {fine} others it names '
            f'{warned}.')


def blind_charts(data):
    steps = ('believable', 'odd', 'wrong', 'grotesque')
    rows = [(step, [data['steps'][v][k] for v in ('old', 'now')]) for k, step in enumerate(steps)]
    return [bars('Judgments by readers who did not know the version', rows,
                 ('0.5.0', data['machine']['swapkit']))]


def blind_result(data):
    now = data['machine']['swapkit']
    return (f"{data['readers']} readers preferred {now} in {data['better']:.0%} of {data['sheets']} pairs and 0.5.0 in "
            f"{data['worse']:.0%}; grotesque: {data['steps']['now'][3]} ratings of {now} and "
            f"{data['steps']['old'][3]} of 0.5.0.")


# --- what they say ----------------------------------------------------------------------------------------------------

BENCHMARKS = dict(
    speed=Benchmark(
        'A whole film',
        'The time from the target file to the finished file: both passes, encoding, sound and mark, with the built-in '
        'swapper. Two versions of swapkit ran in turn on the same machine; each bar is the median of the rounds.',
        'python -m swapkit.apps.bench whole FILM... --source PHOTO --before OLD_CHECKOUT --save results/speed.json',
        speed_charts, '8_apps/07_bench', speed_result,
    ),
    bench=Benchmark(
        'Every stage',
        'The time of each stage by itself, on frames of the built-in sample with one face. The frames are computed '
        'one at a time and as a batch, in turn.',
        'swapkit bench --save results/bench.json', stage_charts, '8_apps/07_bench',
        stage_result,
    ),
    own=Benchmark(
        'What swapkit itself costs',
        'The second pass with a swapper that returns its crop unchanged: reading, cutting, masks, pasting, encoding '
        'and marking. Beside it, the least that any such program must do: one ffmpeg decodes the film, another '
        'encodes it.',
        'python -m swapkit.apps.bench own FILM... --save results/own.json', own_charts, '8_apps/07_bench', own_result,
    ),
    memory=Benchmark(
        'Memory and the length of a film',
        'The peak memory of a whole swap, for a short film and for the same film repeated to a long one. Memory must '
        'not grow with the length.',
        'python -m swapkit.apps.bench memory FILM --source PHOTO --save results/memory.json',
        memory_charts, '8_apps/07_bench', memory_result,
    ),
    long=Benchmark(
        'Half an hour of film',
        'A film of 30 minutes with sound: whether every frame and time stamp arrives, whether sound and picture stay '
        'together, and the memory of the process in each quarter of the work.',
        'python -m swapkit.research.matrix --long 30 --save results/long.json',
        long_charts, '9_research/02_matrix', long_result,
    ),
    look=Benchmark(
        'Likeness and expression',
        'The built-in swapper on five films with three sources each. Likeness is the similarity of face embeddings '
        'between the result and the source; photos of one person are above 0.28. Expression is the correlation over '
        'time of how far mouth and eyes are open, in the result and in the target.',
        'python -m swapkit.apps.evaluate FILM... --source NAME=PHOTO,... --keep FOLDER --save results/look.json',
        look_charts, '8_apps/05_evaluate', look_result,
    ),
    reversed=Benchmark(
        'Swaps with a known answer',
        'A person’s own photo is put onto a picture of them that shows another face, and the result is compared with '
        'the original picture. The pictures with the other face (F) were made by 0.5.0. Beside it: F itself (nothing '
        'was done) and the photo put onto the original (there is nothing to do). Intervals are 95 %, by bootstrap '
        'over people.',
        'python -m swapkit.research.reversed_report FOLDER... --name OLD NEW --save results/reversed.json',
        reversed_charts, '9_research/13_reversed_report', reversed_result,
    ),
    steady=Benchmark(
        'Steadiness',
        'How much the landmarks of a face tremble without smoothing and with each smoother, how much the swapped face '
        'jumps compared with the face that was there, and what the first pass costs. Jitter is the mean acceleration '
        'of five points from frame to frame.',
        'python -m swapkit.research.steadiness jitter truth labels crossing swap cost memory --media FOLDER '
        '--save results/steady.json',
        steady_charts, '9_research/08_steadiness', steady_result,
    ),
    matrix=Benchmark(
        'Kinds of film',
        'Small films of every kind that people bring, each swapped losslessly. ffmpeg then compares frames, time '
        'stamps, other streams, metadata, colors, the pixels outside the face, and the mark of the result with the '
        'target.',
        'python -m swapkit.research.matrix --save results/matrix.json', matrix_charts, '9_research/02_matrix',
        matrix_result,
    ),
    films=Benchmark(
        'Real films',
        'Recorded films, swapped from the command line. The frames, time stamps, sound and color tags of each result '
        'are compared with those of its target.',
        'python -m swapkit.apps.bench films FILM... --source PHOTO --save results/films.json', films_charts,
        '8_apps/07_bench', films_result,
    ),
    resume=Benchmark(
        'Kills and restarts',
        'Renders that were killed, stopped or out of disk space at a random moment, then continued by the same '
        'command. Every decoded frame and time stamp must equal those of a render that nobody disturbed.',
        'python -m swapkit.research.resume --kills 50 --stops 5 --save results/resume.json', resume_charts,
        '9_research/03_resume', resume_result,
    ),
    hostile=Benchmark(
        'Damaged and hostile files',
        'Broken and false files through the command line. Each must end with one line and the right exit code, '
        'within a time limit, and leave nothing behind.',
        'python -m swapkit.research.hostile --save results/hostile.json', hostile_charts, '9_research/05_hostile',
        hostile_result,
    ),
    gpu=Benchmark(
        'On a GPU',
        'The second pass on an NVIDIA card for several batch sizes, with the built-in swapper and with a chain of '
        'networks (SimSwap, BiSeNet, GFPGAN; random weights, which take as long), and whole films from file to file.',
        'python3 dev.py gpu-pack swapkit-gpu.tar.xz', gpu_charts, 'learn/gpu', gpu_result,
    ),
    neural=Benchmark(
        'A chain of networks on a CPU',
        'The time of each stage of the chain SimSwap, BiSeNet and GFPGAN on a CPU. Random weights were used, which '
        'take as long as trained ones.',
        'SWAPKIT_STAND_INS=all python -m swapkit.research.neural FILM --save results/neural.json', neural_charts,
        '9_research/07_neural', neural_result,
    ),
    device=Benchmark(
        'What a GPU is asked to do',
        'How many operations are started on a GPU, how often the host waits for it, and how many copies go between '
        'them, for each batch of 16 frames of 480 × 480 pixels with one face. It is counted on a pretend accelerator: '
        'no GPU is needed, and no time is measured.',
        'python tests/device_count.py FOLDER results/device.json', device_charts, 'learn/gpu', device_result,
    ),
    kornia=Benchmark(
        'Compared with kornia',
        'Functions of swapkit and the functions of kornia that do nearly the same, on the same inputs, in turn. A '
        'difference is in levels of 255 for pictures. A time is kornia’s divided by that of swapkit.',
        'python -m swapkit.research.kornia_compare --threads 1 --rounds 2', kornia_charts,
        '9_research/09_kornia_compare', kornia_result,
    ),
    blind=Benchmark(
        'Judged blind',
        'Forty pairs of a portrait and a film, drawn by a seed, were swapped by 0.5.0 and by a later version. Readers '
        'saw three frames of each without knowing the version, and gave each result one of four steps. Nothing was '
        'tuned on these pairs.',
        'python -m swapkit.research.blind_pairs FOLDER --ratings READER... --save results/blind.json',
        blind_charts, '9_research/11_blind_pairs', blind_result,
    ),
    pair_check=Benchmark(
        'Warnings before rendering',
        'Forty pairs of a portrait and a film, drawn by a seed, were swapped with the default options and marked by '
        'eye on three frames each: believable, odd, wrong or grotesque. The limits of the check were chosen on these '
        'pairs. The people with whom results are judged are not among them.',
        'python -m swapkit.research.pair_limits measure FOLDER --marks MARKS --save results/pair_check.json',
        pair_check_charts, '9_research/14_pair_limits', pair_check_result,
    ),
    built_in=Benchmark(
        'The built-in networks and their teachers',
        'The built-in detector and face mesh compared with the larger networks that they were trained from (YuNet and '
        'MediaPipe Face Mesh), on films and photos that were kept out of the training.',
        'python -m swapkit.research.train.compare FOLDER --save results/built_in.json', built_in_charts,
        '9_research/train/04_compare', built_in_result,
    ),
    parser=Benchmark(
        'The built-in parser',
        'How far the parts that the built-in parser sees overlap with the answers: face and hair with the networks '
        'that taught it, on plain portraits; glasses and things in front of the face with what was drawn over them.',
        'python -m swapkit.research.train.parse MEDIA --judge results/parser.json', parser_charts,
        '9_research/train/09_parse', parser_result,
    ),
    refiner=Benchmark(
        'The refiner',
        'Pairs with a known answer, of people who were kept out of the training of the refiner: the built-in swapper '
        'alone (`--refine none`), and with the built-in refiner. F was made by version 0.5.0, and in a second set by a '
        'maker that no training has seen.',
        'python -m swapkit.research.judge_refiner WEIGHTS.safetensors PAIRS... --save results/refiner.json',
        refiner_charts, '9_research/15_judge_refiner', refiner_result,
    ),
    detect=Benchmark(
        'Detection',
        'YuNet in a batch of 16 frames and one frame at a time, and OpenCV’s detector with the same weights on the '
        'same frames.',
        'python -m swapkit.apps.bench detect FILM... --save results/detect.json', detect_charts, '8_apps/07_bench',
        detect_result,
    ),
    decord=Benchmark(
        'PyAV and decord',
        'The same films read with both libraries: whether decord gives the frames of the right numbers, how long each '
        'takes, in turns, and how far landmarks move when the first pass reads smaller frames.',
        'python tests/reading_speed.py results/decord.json FILM...', decord_charts, 'learn/reading', decord_result,
    ),
)


# --- pages ------------------------------------------------------------------------------------------------------------

def said(value):
    "A figure as a table shows it."
    if isinstance(value, float): return f'{value:.4g}'
    if isinstance(value, (list, tuple)):
        return '\u00a0×\u00a0'.join(map(said, value)) if len(value) < 5 else f'{len(value)} values'
    return plain(str(value)) if value is not None else ''


def flat(row, name=''):
    "A record with records inside as one record."
    out = {}
    for k, v in row.items(): out.update(flat(v, f'{name}{k} · ') if isinstance(v, dict) else {name + k: said(v)})
    return out


def result_tables(data, title=''):
    "(title, Markdown table) of each list of records in a file of results."
    for key, value in data.items():
        if key in ('command', 'machine', 'engine', 'about'): continue
        if key == 'parts':      # of a report of the measuring archive
            for name, part in value.items(): yield from result_tables({name: part['rows']}, title)
            continue
        if isinstance(value, dict) and isinstance(value.get('rows'), list):
            yield from result_tables(value, f'{title}{key} · ')
            continue
        if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
            value = [dict(name=k, **v) for k, v in value.items()]
        elif isinstance(value, dict):
            value = [value]
        if not (isinstance(value, list) and value and all(isinstance(r, dict) for r in value)): continue
        rows = [flat(r) for r in value]
        head = list(dict.fromkeys(k for r in rows for k in r))
        yield title + key, table([[r.get(k, '') for k in head] for r in rows], head)


def machine_of(data):
    "The record of the machine in a file, or in its first part that has one."
    if 'machine' in data: return data['machine']
    return next((v['machine'] for v in data.values() if isinstance(v, dict) and 'machine' in v), {})


def where(data):
    "When, with which version and on what a file was measured."
    m, note = machine_of(data), data.get('note', '')
    date = m.get('date') or (found[0] if (found := re.search(r'\d{4}-\d\d-\d\d', note)) else '')
    on = m.get('gpu') or m.get('card') or 'CPU'
    versions = [f'{k} {m[k]}' for k in ('swapkit', 'torch') if m.get(k)]
    words = [date, *versions, on, f"{m['cores']} cores" if m.get('cores') else '']
    return ' · '.join(w for w in words if w) if m else ''


def figures(data):
    "All tables of a file, folded."
    tables = [f'**{plain(title)}**\n\n{text}' for title, text in result_tables(data)]
    if not tables: return ''
    return '\n\n'.join(['```{raw} html\n<details class="figures"><summary>All figures</summary>\n```', *tables,
                        '```{raw} html\n</details>\n```'])


def benchmark_page(name, data, files):
    "The page of one file of results."
    b, path = BENCHMARKS[name], f'results/{name}.json'
    files.add(path)
    charts, lesson = b.charts(data), re.sub('^[0-9]+_', '', b.page.split('/')[-1])
    note, result = data.get('note', ''), b.result(data)
    return page(
        f'# {b.title}', b.measured, f'**Result:** {result}' if result else '',
        f'```{{raw}} html\n<div class="charts">{"".join(charts)}</div>\n```',
        plain(note), f'Measured: {plain(where(data))}.' if where(data) else '',
        'The command that makes these figures:', f'```sh\n{b.command}\n```',
        f'How it is measured: the page [{lesson}](/{b.page}.ipynb). All figures: [{name}.json](/files/{path}).',
        figures(data),
    )


def other_page(found, files):
    "Files of results that have no page of their own."
    out = ['# Other figures', 'Figures about the project itself, and of checks that ran once.']
    for name, data in found.items():
        files.add(f'results/{name}.json')
        out += [f'## {name}', f"```sh\n{data['command']}\n```" if 'command' in data else '',
                plain(data.get('note', '')), plain(where(data)), f'[{name}.json](/files/results/{name}.json)',
                figures(data)]
    return page(*out)


def results_of(folder):
    "Name of each file of results → its content."
    found = {p.stem: json.loads(p.read_text(encoding='utf-8')) for p in sorted(folder.glob('*.json'))}
    return {k: v for k, v in found.items() if isinstance(v, dict)}


def benchmark_pages(folder, files):
    "Name of a page → its text: an overview, and a page for each file of results."
    found = results_of(folder)
    names = [n for n in BENCHMARKS if n in found]
    others = {n: d for n, d in found.items() if n not in BENCHMARKS}
    pages = {f'benchmarks/{n}': benchmark_page(n, found[n], files) for n in names}
    if others: pages['benchmarks/other'] = other_page(others, files)
    rows = [(f'[{BENCHMARKS[n].title}](/benchmarks/{n}.md)', plain(BENCHMARKS[n].result(found[n])),
             machine_of(found[n]).get('swapkit', '')) for n in names]
    pages['benchmarks/index'] = page(
        '# Benchmarks',
        'Each page says what was measured, on which machine and with which version, and has the command that makes '
        'the figures. Compare only figures of one chart: those were measured in turn on one machine.',
        table(rows, ('page', 'result', 'swapkit')),
        toctree([n for n in pages if n.startswith('benchmarks/')]),
    )
    return pages
