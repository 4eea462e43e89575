"What `import swapkit` offers: lazily, with help, and with types."
import subprocess
import sys
from pathlib import Path

import swapkit

ROOT = Path(__file__).resolve().parent.parent


def run(code):
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode==0, done.stderr
    return done.stdout


def test_import_is_light():
    said = run('''import sys, time
t = time.perf_counter()
import swapkit
print(time.perf_counter()-t)
assert swapkit.SwapOptions(strength=.5).strength==.5 and swapkit.BadInput.code==2
heavy = {'torch', 'numpy', 'cv2', 'onnxruntime', 'av'} & set(sys.modules)
assert not heavy, heavy''')
    assert float(said)<.5


def test_names():
    for name in swapkit.__all__: assert getattr(swapkit, name) is getattr(swapkit, name), name
    assert set(swapkit.__all__)<=set(dir(swapkit)) and len({*swapkit.__all__})==len(swapkit.__all__)
    assert not hasattr(swapkit, 'swap_vidoe') and (ROOT/'swapkit'/'py.typed').exists()
    homes = [n for names in swapkit._HOME.values() for n in names]
    assert sorted(homes)==sorted(swapkit.__all__)


def test_no_name_is_a_module():
    "A name that is also a module would be one or the other, by what was imported first."
    for name in swapkit.__all__:
        assert not (ROOT/'swapkit'/f'{name}.py').exists() and not (ROOT/'swapkit'/name).is_dir()


def test_help_shows_every_option():
    said = run('import pydoc, swapkit; print(pydoc.render_doc(swapkit.swap_video, renderer=pydoc.plaintext))')
    from swapkit.options import OPTIONS, options_of
    for c in OPTIONS:
        for n,o in options_of(c).items(): assert f'`{n}` (' in said and o.help.rstrip('.') in said, n
    for s in ('faces_file', 'inner, lips, none', 'a number from 0 to 1', 'seconds like 80.5', 'inswapper_128'):
        assert s in said


def test_few_parameters():
    import inspect
    for name in ('swap_video', 'swap_image', 'analyze', 'make_source'):
        assert len(inspect.signature(getattr(swapkit, name)).parameters)<=12
