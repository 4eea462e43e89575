"Does the card give the pictures of the CPU? The machine, both chains, the first pass, files, large batches, pages."

import os
import platform
import time
from dataclasses import replace

from common import ask, choices_of, compositor, frames_with_faces, has_option, levels, NotMeasured, script


def machine(run):
    import torch
    from swapkit.video.containers import ffmpeg_exe
    card = torch.cuda.get_device_properties(0) if run.card else None
    run.row('card', card=card.name if card else 'none', memory_GB=round(card.total_memory/1e9, 1) if card else 0,
            driver=ask('nvidia-smi', '--query-gpu=driver_version', '--format=csv,noheader').split('\n')[0],
            cards=torch.cuda.device_count())
    run.row('machine', cores=len(os.sched_getaffinity(0)), system=platform.platform(),
            python=platform.python_version())
    run.row('programs', torch=torch.__version__, cuda=torch.version.cuda, cudnn=torch.backends.cudnn.version(),
            ffmpeg=ask(ffmpeg_exe(), '-version').split(' Copyright')[0].replace('ffmpeg version ', ''))
    run.row('options of this version', compile=has_option('compile'), devices=has_option('devices'),
            encoder_auto='auto' in choices_of('encoder'))


def built_in(run):
    "One and two people, and a batch with none, one and two faces a frame."
    import torch
    from swapkit.apps.samples import person_source, sample_film
    n, cai = 3 if run.size == 'tiny' else 8, person_source('cai')
    frames, faces = sample_film(range(0, 3*n, 3))
    changing = faces[(faces.ids == 0) & (faces.frame % 2 == 0) | (faces.ids == 1) & (faces.frame % 3 == 0)]
    card, one, cpu = run.device, compositor(run, 'built-in'), compositor(run, 'built-in', 'cpu')
    for name, some in (('two faces a frame', faces), ('changing numbers of faces', changing)):
        got = one(frames.to(card), some.to(card), [cai.to(card)]).data
        run.row(name, **levels(got, cpu(frames, some, [cai]).data))
    alone = [one(frames[i:i+1].to(card), faces[faces.frame == frames.idx[i]].to(card), [cai.to(card)]).data.cpu()
             for i in range(len(frames))]
    whole = one(frames.to(card), faces.to(card), [cai.to(card)]).data
    run.row('batch against one by one', **levels(whole, torch.cat(alone)))


def neural(run):
    "Random weights. Single precision is compared without TF32, which rounds on the card only."
    import torch
    from swapkit.apps.samples import person_source, sample_film
    frames, faces = sample_film([3] if run.size == 'tiny' else [3, 19], ('ada',), (512, 512))
    cai, card = person_source('cai'), run.device
    want = compositor(run, 'neural', 'cpu', precision='fp32')(frames, faces, [cai]).data
    torch.backends.cudnn.allow_tf32 = False
    try:
        for precision in ('fp32', 'fp16', 'bf16') if run.card else ('fp32',):
            made = compositor(run, 'neural', precision=precision)
            run.row(precision, **levels(made(frames.to(card), faces.to(card), [cai.to(card)]).data, want))
    finally: torch.backends.cudnn.allow_tf32 = True


def first_pass(run):
    from swapkit.analysis import Finder
    from swapkit.face.track import track
    from swapkit.video.probe import video_info
    from swapkit.video.read import read_frames
    frames = next(iter(read_frames(video_info(run.clip), 3 if run.size == 'tiny' else 8)))
    find = lambda d: Finder('tiny_detect', 'tiny_mesh', device=d).film(frames.to(d)).to('cpu')
    want, got = find('cpu'), find(run.device)
    run.row('faces', card=len(got), cpu=len(want))
    if len(got) == len(want):
        run.row('largest distance, pixels', boxes=round(float((got.boxes - want.boxes).abs().max()), 3),
                landmarks=round(float((got.lms - want.lms)[..., :2].abs().max()), 3))
    on = track(Finder('tiny_detect', 'tiny_mesh', device=run.device)(frames.to(run.device)))
    run.row('tracked', people=len(on.ids.unique()))


def files(run):
    "A film with each chain and a photo, to the finished and marked file."
    from swapkit.apps.samples import person_file
    from swapkit.pipeline import swap_video
    from swapkit.video.photo import read_photo
    from swapkit.video.probe import video_info
    n, photo = {'tiny': 2, 'small': 4}.get(run.size, 32), person_file('cai')
    for kind in ('built-in', 'neural'):
        began = time.perf_counter()
        made = swap_video(run.clip, photo, run.folder/f'{kind}.mp4', device=run.device, end=n/24, preset='ultrafast',
                          **run.look(kind))
        run.row(f'film, {kind}', frames=len(video_info(made)), seconds=round(time.perf_counter() - began, 1))
    for d in {run.device, 'cpu'}:
        swap_video(person_file('ada'), photo, run.folder/f'{d}.png', device=d, **run.look('built-in'))
    a, b = (read_photo(run.folder/f'{d}.png').data for d in (run.device, 'cpu'))
    run.row('photo', **levels(a, b))


def too_large(run):
    "More faces than a kernel can index, and more than fit the memory: both are split, and the pictures stay."
    run.need_card()
    import torch
    from swapkit.apps.samples import person_source
    from swapkit.messages import collect_messages
    from swapkit.runtime import run_in_halves
    from swapkit.types import cat
    frames, faces = frames_with_faces(run, 32, run.small_clip)
    made, src = compositor(run, 'neural'), [person_source('cai').to(run.device)]
    both = cat([frames, replace(frames, idx=frames.idx + 32)])
    all_faces = cat([faces, replace(faces, frame=faces.frame + 32)])
    want = made(frames, faces, src).data
    run.row('64 faces at once', **levels(made(both, all_faces, src).data, torch.cat([want, want])))
    stage = lambda f, fc, which: made(f, fc, src, which)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    stage(frames[:8], faces[faces.frame < 8], faces.frame[faces.frame < 8]*0)
    eight = torch.cuda.max_memory_allocated()
    torch.cuda.empty_cache()
    try:
        torch.cuda.set_per_process_memory_fraction(1.5*eight/torch.cuda.get_device_properties(0).total_memory)
        with collect_messages() as said: got = run_in_halves(stage, frames, faces, faces.frame*0)
    finally: torch.cuda.set_per_process_memory_fraction(1.)
    run.row('memory for 12 of 32 frames', halved=any('halves' in s for s in said), **levels(got.data, want))


def pages(run):
    "The cells of the notebooks that need a card, with the cells they rest on, all pages at once."
    found = sorted((run.archive/'cells').glob('*.py'))
    if not found: raise NotMeasured('no page has such cells')
    env = os.environ | dict(SWAPKIT_CARD='1' if run.card else '')
    env.pop('SWAPKIT_STAND_INS', None)
    at_once, wrong = max((os.cpu_count() or 2)//4, 1), []
    for i in range(0, len(found), at_once):
        jobs = {p: script(p, env, run.folder) for p in found[i:i+at_once]}
        for path, job in jobs.items():
            said = job.communicate()[0].strip().split('\n')
            ok = job.returncode == 0
            run.row(path.stem, passed=ok, **({} if ok else dict(why=said[-1][:300])))
            if not ok: wrong.append(path.stem)
    if wrong: raise AssertionError(f"{', '.join(wrong)} failed")
