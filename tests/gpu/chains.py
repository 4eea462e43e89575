"Times of the second pass without files: networks, stages, compiled networks, launches and copies, memory."

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from common import compositor, frames_with_faces, has_option, NotMeasured, Run, seconds, timed


def chain_rows(run, made, kind, batches):
    "One row for each batch: milliseconds a frame of each network, each stage and the whole chain."
    from swapkit.apps.samples import person_source
    from swapkit.research.neural import _network_calls, _stage_calls
    import torch
    source = person_source('cai').to(run.device)
    frames, faces = frames_with_faces(run, max(batches))
    for n in batches:
        f, fc = frames[:n], faces[faces.frame < n]
        first = seconds(run, partial(made, f, fc, [source]))
        nets = _network_calls(made, torch.device(run.device), n) if kind == 'neural' else {}
        calls = {f'net {k}': c for k, c in nets.items()} | _stage_calls(made, f, fc, source)
        took = timed(run, {k: c for k, c in calls.items() if k != 'compositor'} | dict(chain=calls['compositor']), n)
        if nets: took['networks'] = round(sum(took[f'net {k}'] for k in nets), 3)
        run.row(f'batch {n}', first_call_s=round(first, 2), **took)


def _eager(run):
    "The option that keeps networks as they are, where there is one."
    return dict(compile='no') if has_option('compile') else {}


def built_in(run): chain_rows(run, compositor(run, 'built-in', **_eager(run)), 'built-in', run.built_in)


def neural(run):
    "Eager networks, and the whole chain with other number formats."
    from swapkit.apps.samples import person_source
    chain_rows(run, compositor(run, 'neural', **_eager(run)), 'neural', run.neural)
    if not run.card: return
    src = [person_source('cai').to(run.device)]
    for precision in ('bf16', 'fp32'):
        made = compositor(run, 'neural', precision=precision, **_eager(run))
        for n in (32, 1):
            frames, faces = frames_with_faces(run, n)
            ms = timed(run, dict(chain=partial(made, frames, faces, src)), n)
            run.row(f'{precision}, batch {n}', **ms)


def compiled(run):
    """The chain with the option `compile`. Its networks are compiled for all batches at once, each in a process of its
    own, which fills the cache; then this process loads and times them."""
    run.need_card()
    if not has_option('compile'): raise NotMeasured('this version has no option compile')
    with ProcessPoolExecutor(len(run.neural), get_context('spawn')) as pool:
        for n, took in zip(run.neural, pool.map(partial(_first_call, run.task), run.neural)):
            run.row(f'compiling for batch {n}', seconds=took)
    chain_rows(run, compositor(run, 'neural', compile='yes'), 'neural', run.neural)


def _first_call(task, n):
    "Seconds of the first batch of n frames, in which the networks are compiled."
    from swapkit.apps.samples import person_source
    run = Run(task, None)
    frames, faces = frames_with_faces(run, n)
    made, src = compositor(run, 'neural', compile='yes'), [person_source('cai').to(run.device)]
    return round(seconds(run, partial(made, frames, faces, src)), 1)


# --- launches ---------------------------------------------------------------------------------------------------------

COUNTED = dict(
    launches=('cudaLaunchKernel', 'cuLaunchKernel', 'cudaGraphLaunch'),
    waits=('cudaStreamSynchronize', 'cudaEventSynchronize'),
    copies=('cudaMemcpyAsync', 'cudaMemcpy'),
)


def count(run, call, warm=True):
    "Calls of the CUDA runtime during a call, the copies by kind, and how long the card worked."
    from torch.autograd import DeviceType
    from torch.profiler import profile, ProfilerActivity
    if warm: call()
    with profile(activities=[ProfilerActivity.CPU] + [ProfilerActivity.CUDA]*run.card) as prof:
        wall = seconds(run, call)   # it waits with cudaDeviceSynchronize, which is not counted
    events = prof.key_averages()
    found = {k: sum(e.count for e in events if e.key.startswith(names)) for k, names in COUNTED.items()}
    kinds = {e.key.replace('Memcpy ', ''): e.count for e in events if e.key.startswith('Memcpy')}
    busy = sum(e.self_device_time_total for e in events if e.device_type == DeviceType.CUDA)
    return found | dict(operations=sum(e.count for e in events if e.key.startswith('aten::')),
                        wall_ms=round(1000*wall, 1), card_ms=round(busy/1000, 2), **kinds)


def launches(run):
    from swapkit.analysis import Finder
    from swapkit.apps.samples import person_source
    from swapkit.video.color import to_yuv420
    n = 16 if run.full else 1
    frames, faces = frames_with_faces(run, n)
    src, host = [person_source('cai').to(run.device)], frames.to('cpu')
    for kind in ('built-in', 'neural'):
        made = compositor(run, kind)
        run.row(f'{kind}, batch {n}', **count(run, partial(made, frames, faces, src)))
    made = compositor(run, 'built-in')
    up_and_down = lambda: to_yuv420(made(host.to(run.device), faces, src).data).cpu()
    run.row(f'built-in with upload and download, batch {n}', **count(run, up_and_down))
    find = Finder('tiny_detect', 'tiny_mesh', device=run.device)
    run.row(f'first pass, batch {n}', **count(run, lambda: find.film(frames)))


def memory(run):
    "The most that the card held: a batch of 16 frames of 1080p through the neural chain, and a short film."
    run.need_card()
    import torch
    from swapkit.apps.samples import person_file, person_source
    from swapkit.pipeline import swap_video
    frames, faces = frames_with_faces(run, 16)
    made, src = compositor(run, 'neural', precision='fp16'), [person_source('cai').to(run.device)]
    made(frames, faces, src)
    one = torch.cuda.max_memory_reserved()/1e9
    run.row('one batch', GB=round(one, 2), allocated_GB=round(torch.cuda.max_memory_allocated()/1e9, 2))
    swap_video(run.clip, person_file('cai'), run.folder/'memory.mp4', device=run.device, batch=16, precision='fp16',
               preset='ultrafast', overwrite=True, **run.look('neural'))
    free, total = torch.cuda.mem_get_info()
    run.row('peak', GB=round(torch.cuda.max_memory_reserved()/1e9, 2), whole_card_GB=round((total - free)/1e9, 2))


def copies(run):
    "A batch of 16 frames of 1080p to the card and back, from ordinary and from pinned memory."
    run.need_card()
    import torch
    x = torch.randint(0, 255, (16, 3, 1080, 1920), dtype=torch.uint8)
    pinned, there = x.pin_memory(), x.to(run.device)
    host = torch.empty_like(x).pin_memory()
    run.row('ms a batch', MB=round(x.numel()/1e6, 1), **timed(run, {
        'up, ordinary': lambda: x.to(run.device), 'up, pinned': lambda: pinned.to(run.device, non_blocking=True),
        'down, ordinary': lambda: there.cpu(), 'down, pinned': lambda: host.copy_(there, non_blocking=True),
        'pin': lambda: x.pin_memory()}, 1))
