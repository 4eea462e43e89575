"Times of the second pass without files: networks, stages, compiled networks, launches and copies, memory."

import time
from functools import partial

from common import choices_of, compositor, frames_with_faces, has_option, NotMeasured, seconds, timed


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
    "The chain with the option `compile`; torch.compile of each network where this version has no such option."
    if 'yes' in choices_of('compile'):
        if not run.card and run.size == 'tiny': raise NotMeasured('compiling takes minutes on a CPU')
        return chain_rows(run, compositor(run, 'neural', compile='yes'), 'neural', run.neural)
    run.need_card()
    for name, net, side in _modules(run):
        for n, mode in ((32, 'default'), (1, 'reduce-overhead')):
            _compile(run, f'{name}, batch {n}', net, side, n, mode)


def _modules(run):
    "The torch networks of the chain: name, a function of pictures, side of its pictures."
    import torch
    from swapkit.face.recognition import to_unit_length
    made, identity = compositor(run, 'neural'), to_unit_length(torch.ones(1, 512, device=run.device))
    swap = made.swap.net.net
    return [('BiSeNet-512', made.masks.parser.net, 512),
            ('SimSwap-256', lambda x: swap(x, identity.expand(len(x), -1)), 256),
            ('GFPGAN-512', lambda x: made.restore.net(x, .5), 512)]


def _compile(run, name, net, side, n, mode):
    import torch
    x = torch.rand(n, 3, side, side, device=run.device)
    with torch.inference_mode():
        fast = torch.compile(net, mode=mode, dynamic=False)
        want, first = net(x), seconds(run, lambda: fast(x))
        off = float((fast(x) - want).abs().max())
        took = timed(run, dict(eager=lambda: net(x), compiled=lambda: fast(x)), n)
    run.row(name, mode=mode, compile_s=round(first, 1), largest_difference=round(off, 5), **took)


# --- launches ---------------------------------------------------------------------------------------------------------

COUNTED = dict(
    launches=('cudaLaunchKernel', 'cuLaunchKernel', 'cudaGraphLaunch'),
    waits=('cudaStreamSynchronize', 'cudaDeviceSynchronize', 'cudaEventSynchronize', 'cudaStreamWaitEvent'),
    copies=('cudaMemcpyAsync', 'cudaMemcpy'),
)


def count(run, call):
    "Calls of the CUDA runtime during a call, the copies by kind, and how long the card worked."
    from torch.profiler import profile, ProfilerActivity
    call()
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA]*run.card
    with profile(activities=activities) as prof:
        began = time.perf_counter()
        call()
        if run.card:
            import torch
            torch.cuda.current_stream().synchronize()
        wall = time.perf_counter() - began
    events = prof.key_averages()
    found = {k: sum(e.count for e in events if e.key.startswith(names)) for k, names in COUNTED.items()}
    if run.card: found['waits'] -= 1    # our own
    kinds = {}
    for e in events:
        if e.key.startswith('Memcpy'): kinds[e.key.replace('Memcpy ', '')] = e.count
    busy = sum(e.self_device_time_total for e in events)/1000
    return found | dict(operations=sum(e.count for e in events if e.key.startswith('aten::')),
                        wall_ms=round(1000*wall, 1), card_ms=round(busy, 2), **kinds)


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
