"""Every kind of bad input, through the command line: one clear line, the right exit code, and nothing left behind."""
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dev

CLI = 'from swapkit.apps.cli import main; main()'
OFFLINE = {k: 'http://127.0.0.1:9' for k in ('http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY')}
OFFLINE.update(no_proxy='', NO_PROXY='')
PROGRESS = re.compile(r'swapkit: (\w+ \d+(/\d+)? frames,|done: |no .* here, so the built-in )') # what is no complaint
MODELS = [f for f in os.environ.get('SWAPKIT_MODELS', '').split(os.pathsep) if Path(f).is_dir()]


def ffmpeg(*args):
    import imageio_ffmpeg
    cmd = [imageio_ffmpeg.get_ffmpeg_exe(), '-v', 'error', '-y', *map(str, args)]
    subprocess.run(cmd, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope='session')
def media(tmp_path_factory):
    "Films and photos of people who do not exist, and of nobody, good and bad."
    d = tmp_path_factory.mktemp('media')
    people = [dev.ROOT/'swapkit'/'samples'/f'{n}.jpg' for n in ('ada', 'ben')]
    shutil.copy(people[0], d/'ada.jpg')
    pair = [np.asarray(Image.open(p).resize((320, 320))) for p in people]
    Image.fromarray(np.hstack([pair[0], pair[1]])).save(d/'two.png')
    Image.fromarray(np.full((96, 96, 3), 90, np.uint8)).save(d/'blank.png')
    still = ['-loop', 1, '-framerate', 24, '-i', people[1]]
    sound = ['-f', 'lavfi', '-i', 'sine=frequency=300']
    film = ['-vf', 'scale=256:256', '-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-g', 6]
    ffmpeg(*still, *sound, '-t', .5, *film, d/'ben.mp4')
    ffmpeg(*still, '-t', 2, *film, '-qp', 4, '-movflags', '+faststart', d/'long.mp4')
    ffmpeg('-f', 'lavfi', '-i', 'color=gray:s=128x128:r=24', '-t', .5, '-pix_fmt', 'yuv420p', d/'nobody.mp4')
    ffmpeg(*sound, '-t', .5, d/'sound.mp4')
    whole = (d/'long.mp4').read_bytes()
    (d/'cut.mp4').write_bytes(whole[:len(whole)*2//3])
    (d/'text.mp4').write_text('This is not a film.\n')
    (d/'text.jpg').write_text('This is not a photo.\n')
    (d/'zero.mp4').touch()
    (d/'empty').mkdir()
    return d


@pytest.fixture
def swapkit(media, tmp_path):
    "Run the command line in a folder that holds nothing but copies of what it may destroy."
    def listing(): return {p.relative_to(tmp_path): p.stat().st_size for p in tmp_path.rglob('*')}
    def run(*args, code, says, made=(), **env):
        before = listing()
        # A home of its own: no cache, no credential and no configuration of the user's is used or changed.
        home = {f'XDG_{k}_HOME': str(media/'home'/k) for k in ('CACHE', 'CONFIG', 'DATA')}
        models = dict(SWAPKIT_MODELS=os.pathsep.join(map(os.path.abspath, MODELS)))
        args = [str(a).replace('MEDIA', str(media)) for a in args]
        done = subprocess.run(
            [sys.executable, '-c', CLI, *args],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, **OFFLINE, **home, **models, **env},
            stdin=subprocess.DEVNULL,
        )
        lines = [l for l in done.stderr.splitlines() if not PROGRESS.match(l)]
        # photos left out are named first
        notes, lines = lines[:-1] if code==3 else [], lines[-1:] if code==3 else lines
        assert done.returncode in (code if isinstance(code, tuple) else (code,)), done.stderr
        assert 'Traceback' not in done.stderr
        assert len(lines)==(says is not None), done.stderr
        assert all(l.startswith('swapkit: ') for l in notes+lines), done.stderr
        for word in [says] if isinstance(says, str) else says or (): assert word in lines[0], lines[0]
        changed = {p for p in {**before, **listing()} if before.get(p)!=listing().get(p)}
        assert changed=={Path(m) for m in made}, f"changed: {sorted(map(str, changed))}"
        return done.stdout
    return run


def swap(target, source='MEDIA/ada.jpg', out='new.mp4', *more):
    return ['swap', target, '--source', source, '--out', out, *more]


CASES = dict(  # arguments, exit code, what must be said
    no_target=(swap('MEDIA/none.mp4'), 2, 'none.mp4: no such file'),
    folder_as_target=(swap('MEDIA/empty'), 2, 'several targets are written to a folder'),
    text_as_film=(swap('MEDIA/text.mp4'), 2, 'text.mp4 is not a video'),
    no_bytes=(swap('MEDIA/zero.mp4'), 2, 'zero.mp4 is empty'),
    only_sound=(swap('MEDIA/sound.mp4'), 2, 'sound.mp4 has no picture'),
    no_source=(swap('MEDIA/ben.mp4', 'MEDIA/none.jpg'), 2, 'none.jpg: no such file'),
    no_photo_in_folder=(swap('MEDIA/ben.mp4', 'MEDIA/empty'), 2, 'has no photos'),
    unknown_swapper=(
        swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--swapper', 'nobody'),
        2,
        ("'nobody'", 'choose mesh'),
    ),
    unknown_restorer=(
        swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--restore', 'nobody'),
        2,
        ("'nobody'", 'choose none'),
    ),
    unknown_mouth=(swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--mouth', 'x'), 2, 'inner, lips, none'),
    unknown_landmarks=(
        swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--landmarks', 'nobody'),
        2,
        ("'nobody'", 'tiny_mesh'),
    ),
    unknown_engine=(
        swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--engine', 'abacus'),
        2,
        ("'abacus'", 'tensorrt'),
    ),
    unknown_detector=(
        swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--detector', 'nobody'),
        2,
        ("'nobody'", 'yunet_n'),
    ),
    unknown_device=(swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--device', 'tpu'), 2, 'auto, cpu, cuda'),
    unknown_encoder=(
        swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--encoder', 'nobody'),
        2,
        ("'nobody'", 'libx264'),
    ),
    unknown_preset=(swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--preset', 'nobody'), 2, "'nobody'"),
    unknown_option=(swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--frobnicate'), 2, '--frobnicate'),
    unknown_container=(swap('MEDIA/ben.mp4', out='new.avi'), 2, ('new.avi', '.mp4')),
    standard_input=(swap('-'), 2, 'name a file'),
    too_strong=(swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--strength', 2), 2, '--strength'),
    quality_too_large=(swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--crf', 100), 2, ('--crf', '0 to 63')),
    negative_size=(swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--smallest', -4), 2, '--smallest'),
    no_whole_number=(swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--batch', 'four'), 2, '--batch'),
    no_plugin=(swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--plugin', 'none.py'), 2, 'none.py: no such file'),
    not_a_number=(swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--start', 'nan'), 2, '--start'),
    nobody_to_put_in=(['swap', 'MEDIA/ben.mp4', '--out', 'new.mp4'], 2, 'add --source'),
    no_out=(['swap', 'MEDIA/ben.mp4', '--source', 'MEDIA/ada.jpg'], 2, '--out'),
    no_folder_for_out=(swap('MEDIA/ben.mp4', out='no/new.mp4'), 2, 'no does not exist; make it first'),
    nobody_called=(['frobnicate'], 2, "'frobnicate'"),
    wrong_faces_file=(
        swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--faces-file', 'MEDIA/text.mp4'),
        2,
        'not a faces file',
    ),
    after_the_end=(swap('MEDIA/ben.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--start', 9), 2, 'no frame'),
    text_as_photo=(swap('MEDIA/ben.mp4', 'MEDIA/text.jpg'), 2, 'text.jpg is not a photo'),
    nobody_in_target=(swap('MEDIA/nobody.mp4'), 3, 'nobody.mp4'),
    cut_off=(swap('MEDIA/cut.mp4'), 2, ('last good frame is', '--end')),
    one_person_twice_in_a_photo=(
        ['swap', 'MEDIA/two.png', '--assign', 'left=MEDIA/ada.jpg', '0=MEDIA/ada.jpg', '--out', 'new.png'],
        2,
        'left and 0 are one and the same person',
    ),
    one_person_twice_in_a_film=(
        ['swap', 'MEDIA/ben.mp4', '--assign', 'left=MEDIA/ada.jpg', 'right=MEDIA/ada.jpg', '--out', 'new.mp4'],
        2,
        'left and right are one and the same person',
    ),
)


@pytest.mark.parametrize('args, code, says', CASES.values(), ids=CASES)
def test_refused(swapkit, args, code, says): swapkit(*args, code=code, says=says)


def test_photo_without_a_face(swapkit):
    swapkit(*swap('MEDIA/ben.mp4', 'MEDIA/blank.png'), code=3, says='no face')


def test_several_faces_in_a_photo(swapkit):
    swapkit(*swap('MEDIA/ben.mp4', 'MEDIA/two.png'), code=0, says=('2 faces', 'two.png', 'largest'), made=['new.mp4'])


def test_the_end_that_is_named_works(swapkit, media):
    import swapkit.video.probe as probe
    from swapkit.errors import BadInput
    with pytest.raises(BadInput) as e: probe.video_info(media/'cut.mp4')
    end = re.search(r'end ([\d.]+)', str(e.value))[1]
    assert float(end)>.3
    swapkit(*swap('MEDIA/cut.mp4', 'MEDIA/ada.jpg', 'new.mp4', '--end', end), code=0, says=None, made=['new.mp4'])


@pytest.mark.parametrize('more', [[], ['--overwrite']])
def test_output_is_an_input(swapkit, media, tmp_path, more):
    shutil.copy(media/'ben.mp4', tmp_path/'film.mp4')
    swapkit(*swap('film.mp4', 'MEDIA/ada.jpg', 'film.mp4', *more), code=2, says='film.mp4')
    (tmp_path/'link.mp4').symlink_to('film.mp4')
    swapkit(*swap('film.mp4', 'MEDIA/ada.jpg', 'link.mp4', '--overwrite'), code=2, says='is an input')
    assert (tmp_path/'film.mp4').read_bytes()==(media/'ben.mp4').read_bytes()


def test_output_exists(swapkit, tmp_path):
    (tmp_path/'new.mp4').write_text('mine')
    swapkit(*swap('MEDIA/ben.mp4'), code=2, says=('new.mp4', '--overwrite'))
    assert (tmp_path/'new.mp4').read_text()=='mine'
    (tmp_path/'new.faces').write_text('mine')
    swapkit('analyze', 'MEDIA/ben.mp4', '--out', 'new.faces', code=2, says=('new.faces', '--overwrite'))


@pytest.fixture
def locked(tmp_path_factory):
    "A folder that nobody, or at least not this user, can write."
    if os.name != 'posix' or (os.geteuid() == 0 and not Path('/proc/self').exists()):
        pytest.skip("no folder is locked to this user")
    if os.geteuid()==0: return Path('/proc')
    folder = tmp_path_factory.mktemp('locked')
    folder.chmod(0o555)
    return folder


def test_output_cannot_be_written(swapkit, locked):
    swapkit(*swap('MEDIA/ben.mp4', out=locked/'new.mp4'), code=5, says='cannot write')


def elsewhere(tmp_path_factory, text=None):
    "A folder of models, empty or with a wrong file."
    if (dev.ROOT/'models'/'yunet_n_dynamic.onnx').exists(): pytest.skip("the checkout has the model")
    folder = tmp_path_factory.mktemp('models')
    if text: (folder/'yunet_n_dynamic.onnx').write_text(text)
    return dict(SWAPKIT_MODELS=str(folder), SWAPKIT_CACHE=str(folder/'cache'))


def test_model_missing_and_no_network(swapkit, tmp_path_factory):
    env = elsewhere(tmp_path_factory)
    swapkit(
        *swap('MEDIA/ben.mp4'),
        '--detector',
        'yunet_n',
        '--landmarks',
        'tiny_mesh',
        code=4,
        says=('yunet_n', 'https://', 'put it as yunet_n_dynamic.onnx'),
        **env,
    )
    swapkit('models', 'pull', 'yunet_n', code=4, says=('yunet_n', 'https://'), **env)


def test_model_with_a_wrong_checksum(swapkit, tmp_path_factory):
    env = elsewhere(tmp_path_factory, 'not these weights')
    swapkit(
        *swap('MEDIA/ben.mp4'),
        '--landmarks',
        'tiny_mesh',
        code=4,
        says=('yunet_n_dynamic.onnx', 'SHA-256', 'expected 104ee26c'),
        **env,
    )
    swapkit('models', 'check', 'yunet_n', code=4, says='yunet_n', made=['model_check.html'], **env)


shell = pytest.mark.skipif(os.name!='posix', reason="needs a shell")


def typed(line, folder, **env):
    "A command line as a shell runs it, `swapkit` in it being ours."
    line = line.replace('swapkit', shlex.join([sys.executable, '-c', CLI]))
    return subprocess.run(
        ['bash', '-c', f'set -o pipefail; {line}'],
        cwd=folder,
        env={**os.environ, **OFFLINE, **env},
        capture_output=True,
        timeout=300,
    )


@shell
@pytest.mark.parametrize('line, code', {
    'swapkit --help 2>&-': 0, 'swapkit --help >&-': 0, 'swapkit --help | true': 0, 'swapkit nonsense 2>&-': 2,
    'swapkit nonsense 2>/dev/full': 2, 'swapkit --help >/dev/full': 5}.items())
def test_nobody_listens(line, code, tmp_path):
    if 'full' in line and not Path('/dev/full').exists(): pytest.skip("no /dev/full")
    done = typed(line, tmp_path)
    assert done.returncode==code and b'Traceback' not in done.stderr and b'Exception' not in done.stderr, done.stderr
    assert (b'standard output cannot be written: No space left' in done.stderr)==(code==5)


@shell
def test_names_that_an_encoding_lacks(tmp_path):
    "Escapes for letters, the bytes themselves where a name is no text."
    done = typed("swapkit swap $'\\xfc😀é.mp4' --source . --out o.mp4", tmp_path, PYTHONIOENCODING='latin-1')
    assert done.returncode == 2 and done.stderr == b'swapkit: \xfc\\U0001f600\xe9.mp4: no such file or folder\n', (
        done.stderr
    )


@shell
def test_a_film_while_nobody_listens(media, tmp_path):
    """No standard input, output or error, and a name that the locale does not know: the film is whole, and nothing else
    got into it."""
    from swapkit.video.provenance import read_mark
    from swapkit.video.probe import video_info
    home = {f'XDG_{k}_HOME': str(media/'home'/k) for k in ('CACHE', 'CONFIG', 'DATA')}
    done = typed(
        f"swapkit swap {media}/ben.mp4 --source {media}/ada.jpg --out $'new\\xfc😀.mp4' "
        "--preset ultrafast <&- >&- 2>&-",
        tmp_path,
        LC_ALL='C',
        PYTHONCOERCECLOCALE='0',
        PYTHONUTF8='0',
        **home,
    )
    assert done.returncode==0
    made, = tmp_path.iterdir()
    assert os.fsencode(made.name)=='new\udcfc😀.mp4'.encode(errors='surrogateescape')
    assert len(video_info(made))==12 and read_mark(made)['state']=='valid'


@pytest.mark.skipif(os.name!='posix', reason="sends SIGINT")
def test_stopped_with_ctrl_c(media, tmp_path):
    "Ctrl-C in the middle: one line that says how to go on, exit code 130, and no half film."
    env = {**os.environ, **OFFLINE, **{f'XDG_{k}_HOME': str(media/'home'/k) for k in ('CACHE', 'CONFIG', 'DATA')}}
    args = swap(str(media/'long.mp4'), str(media/'ada.jpg'), 'new.mp4', '--batch', '2')
    # a shell's background job ignores it
    p = subprocess.Popen([sys.executable, '-c', CLI, *args], cwd=tmp_path, env=env, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    until = time.monotonic()+120
    while not (tmp_path/'new.mp4.parts').exists() and p.poll() is None and time.monotonic()<until: time.sleep(.05)
    time.sleep(.3)
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=60)
    lines = [l for l in err.splitlines() if l and not PROGRESS.match(l)]
    assert p.returncode==130, err
    assert len(lines) == 1 and re.fullmatch(
        r'swapkit: stopped; (\d+ of 48 frames are kept, and the same command '
        r'goes on from there|nothing is kept of a first pass that did not '
        r'end, and the same command begins anew)',
        lines[0],
    ), err
    assert not (tmp_path/'new.mp4').exists()
