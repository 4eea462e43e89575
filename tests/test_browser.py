"""A browser drives the studio: as the page of `swapkit studio`, and as a notebook in JupyterLab.

Slow, and it needs what nothing else here does: `.venv/bin/pip install playwright==1.65.2`, and a Chromium (your
system's, or `.venv/bin/playwright install chromium`). Then
`SWAPKIT_TEST_FLAGS=slow python3 dev.py test tests/test_browser.py`; SWAPKIT_SHOTS names a folder for screenshots."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

import dev
from swapkit.apps.studio_server import missing_parts

slow = pytest.mark.skipif(
    'slow' not in os.environ.get('SWAPKIT_TEST_FLAGS', '').split(), reason='slow: SWAPKIT_TEST_FLAGS does not name it'
)
SAMPLES = dev.ROOT/'swapkit'/'samples'
PATIENCE = 240_000  # milliseconds for one step on a busy machine


@contextmanager
def chromium():
    "A headless browser."
    sync = pytest.importorskip('playwright.sync_api', reason='playwright is not installed').sync_playwright
    with sync() as p:
        browser = p.chromium.launch(executable_path=shutil.which('chromium'), args=['--no-sandbox'])
        try: yield browser
        finally: browser.close()


def shots(folder):
    return Path(os.environ.get('SWAPKIT_SHOTS', folder))


def environment():
    return {**os.environ, 'PYTHONPATH': os.pathsep.join([str(dev.ROOT), os.environ.get('PYTHONPATH', '')])}


# --- the page ---------------------------------------------------------------------------------------------------------

def heed_interrupts():
    "What starts the tests in the background may have had Ctrl-C ignored."
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Served:
    "`swapkit studio`, and what it says."
    def __init__(self, folder, *words):
        if missing_parts(): pytest.skip('voila is not installed')
        cmd = [sys.executable, '-m', 'swapkit', 'studio', *map(str, words), '--no-browser']
        self.process = subprocess.Popen(cmd, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True,
                                        preexec_fn=heed_interrupts)
        self.line = self.process.stderr.readline()
        self.url = re.search(r'http://\S+', self.line)[0]
    def children(self):
        "Command lines of the processes below the server."
        listed = subprocess.check_output(['ps', '-eo', 'pid=,ppid=,args='], text=True).splitlines()
        rows = [(int(pid), int(parent), args) for pid,parent,args in (l.split(None, 2) for l in listed)]
        found, new = [], {self.process.pid}
        while new:
            below = [r for r in rows if r[1] in new]
            found += below; new = {r[0] for r in below}
        return found
    def end(self):
        "Ctrl-C; gives the exit code and the last line."
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=120)[1]
        return self.process.returncode, said.strip().splitlines()[-1:]


@pytest.fixture
def serve(tmp_path):
    started = []
    def start(*words):
        started.append(Served(tmp_path, *words))
        return started[-1]
    yield start
    for s in started:
        if s.process.poll() is None: s.process.terminate(); s.process.wait(60)


def answer(url):
    "Status of a page, and where it leads."
    try: got = urllib.request.urlopen(url, timeout=60)
    except urllib.error.HTTPError as e: got = e
    return got.status, got.url


@pytest.mark.skipif(os.name=='nt', reason='signals of Windows differ')
def test_page_needs_its_token(serve, tmp_path):
    "Without a browser: the login without the token, no page without it, and a clean end."
    s = serve()
    assert s.url.startswith('http://127.0.0.1:') and 'results are kept in swapkit-studio' in s.line
    page, _, token = s.url.partition('?token=')
    assert len(token)>=20
    for url in (page, f'{page}?token=wrong'): assert '/login' in answer(url)[1]
    code, last = s.end()
    assert (code, last)==(0, ['swapkit: the studio is closed'])
    assert not (tmp_path/'swapkit-studio').exists()     # nobody opened a window


def open_window(browser, url, width=1280, height=1000):
    "A window with the studio in it; nothing is asked of another host."
    page = browser.new_page(viewport=dict(width=width, height=height))
    page.set_default_timeout(PATIENCE)
    page.outside = []
    def heard(response):
        if not response.url.startswith((url.split('?')[0], 'data:', 'blob:')): page.outside.append(response.url)
    page.on('response', heard)
    page.goto(url)
    page.get_by_text('7 · The same as text').wait_for()
    return page


def click(page, name): page.get_by_role('button', name=name, exact=True).last.click()


def choose(page, n, name): page.locator('select:has(option:text("stays"))').nth(n).select_option(name)


def assert_fits(page):
    "No part of the page is wider than the window."
    assert page.evaluate('document.documentElement.scrollWidth') <= page.viewport_size['width']


@slow
@pytest.mark.skipif(os.name=='nt', reason='signals of Windows differ')
def test_studio_as_a_page(serve, tmp_path):
    from swapkit.apps.demo import write_demo_target
    from swapkit.video.provenance import read_mark
    write_demo_target(tmp_path/'two.mp4', ('ada', 'ben'), 8, (180, 320))
    s = serve('two.mp4', SAMPLES/'cai.jpg', SAMPLES/'eve.jpg')
    with chromium() as browser:
        begun = time.monotonic()
        page = open_window(browser, s.url)
        print(f'usable {time.monotonic()-begun:.1f} s after the page was asked for')
        page.get_by_text('8 frames, 320 × 180').wait_for()      # the files of the command are chosen
        assert page.locator('.jp-CodeCell .cm-content').count()==0      # no cell is seen
        click(page, 'Find people')
        page.get_by_text('person 1: 8 frames').wait_for()
        choose(page, 0, 'cai')
        page.get_by_text('frame 0: 1 face').wait_for()
        choose(page, 1, 'eve')
        page.get_by_text('frame 0: 2 faces').wait_for()
        page.get_by_role('button', name='pick person 1', exact=True).click()
        page.locator('.swapkit-face.mod-active').wait_for()
        assert_fits(page)
        page.screenshot(path=shots(tmp_path)/'page_wide.png', full_page=True)
        click(page, 'Render')
        page.get_by_text('It is marked as synthetic').wait_for()
        page.locator('video').scroll_into_view_if_needed()
        page.screenshot(path=shots(tmp_path)/'page_result.png')
        page.set_viewport_size(dict(width=390, height=844))
        page.wait_for_timeout(1000)
        assert_fits(page)
        page.screenshot(path=shots(tmp_path)/'page_narrow.png')
        page.evaluate('document.querySelector(".swapkit-face").scrollIntoView()')
        page.wait_for_timeout(500)
        page.screenshot(path=shots(tmp_path)/'page_narrow_people.png')
        other = open_window(browser, s.url, 390, 844)           # a second window knows nothing of the first
        other.get_by_text('8 frames, 320 × 180').wait_for()
        assert other.locator('.swapkit-face').count()==0 and other.locator('video').count()==0
        choose_film = other.get_by_placeholder('path of a film or a photo')
        choose_film.fill(str(SAMPLES/'ada.jpg')); choose_film.press('Enter')
        other.get_by_text('1 frame, 640 × 640').wait_for()
        assert page.get_by_text('8 frames, 320 × 180').count() and not page.outside and not other.outside
        kernels = [c for c in s.children() if 'ipykernel' in c[2]]
        assert len(kernels)==2
        other.goto('about:blank')                               # a closed window ends its kernel
        for _ in range(60):
            if len([c for c in s.children() if 'ipykernel' in c[2]])==1: break
            page.wait_for_timeout(1000)
        else: pytest.fail('the kernel of a closed window goes on')
        below = s.children()
        assert s.end()==(0, ['swapkit: the studio is closed'])
    alive = subprocess.check_output(['ps', '-eo', 'pid='], text=True).split()
    assert below and not {str(c[0]) for c in below} & set(alive)
    made = {w.name: sorted(p.name for p in w.glob('*_swapped.*')) for w in (tmp_path/'swapkit-studio').iterdir()}
    assert made.pop('window_1')==['two_swapped.mp4'] and not any(made.values())
    assert read_mark(tmp_path/'swapkit-studio'/'window_1'/'two_swapped.mp4')['state']=='valid'


# --- the notebook -----------------------------------------------------------------------------------------------------

@pytest.fixture
def lab(tmp_path):
    "Address of a JupyterLab whose folder has the tutorial in it."
    shutil.copy(dev.ROOT/'nbs'/'learn'/'studio.ipynb', tmp_path)
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    cmd = [
        sys.executable, '-m', 'jupyterlab', '--no-browser', '--allow-root', '--ip=127.0.0.1', f'--port={port}',
        '--ServerApp.port_retries=0', '--IdentityProvider.token=', f'--ServerApp.root_dir={tmp_path}',
        '--LabApp.news_url=',
    ]
    with open(tmp_path / 'lab.log', 'w') as log:
        server = subprocess.Popen(cmd, cwd=tmp_path, env=environment(), stdout=log, stderr=log)
    url = f'http://127.0.0.1:{port}'
    try:
        for _ in range(240):
            try: urllib.request.urlopen(f'{url}/api', timeout=5); break
            except OSError: time.sleep(.5)
        else: pytest.fail((tmp_path/'lab.log').read_text()[-3000:])
        yield url, tmp_path
    finally: server.terminate(); server.wait(30)


@slow
def test_studio_in_jupyterlab(lab):
    url, folder = lab
    with chromium() as browser:
        page = browser.new_page(viewport=dict(width=1400, height=1300))
        page.set_default_timeout(PATIENCE)
        page.goto(f'{url}/lab/tree/studio.ipynb?reset')
        cells = page.locator('.jp-Notebook .jp-CodeCell')
        for n in (0, 1): # imports, then the studio
            cells.nth(n).locator('.cm-content').click()
            page.keyboard.press('Shift+Enter')
        page.get_by_text('7 · The same as text').wait_for()
        click(page, 'Sample film')
        page.get_by_text('24 frames, 320 × 180').wait_for()
        click(page, 'Find people')
        page.get_by_text(re.compile('^person 1: ')).wait_for()
        choose(page, 0, 'cai')
        page.get_by_text('frame 0: 1 face').wait_for()
        choose(page, 1, 'eve')
        page.get_by_text('frame 0: 2 faces').wait_for()
        page.screenshot(path=shots(folder)/'studio_frame.png')
        click(page, 'Render')
        page.locator('video').wait_for(state='attached')
        page.locator('video').scroll_into_view_if_needed()
        page.screenshot(path=shots(folder)/'studio_result.png')
        page.get_by_text('More', exact=True).first.click()
        page.get_by_text('small faces').wait_for()
        path = page.get_by_placeholder('path of a film or a photo')
        path.fill(str(SAMPLES/'ada.jpg')); path.press('Enter')
        page.get_by_text('1 frame, 640 × 640').wait_for()
        choose(page, 0, 'cai')
        page.get_by_text('frame 0: 1 face').wait_for()
        page.screenshot(path=shots(folder)/'studio_photo.png')
        click(page, 'Render')
        page.locator('img.widget-image').wait_for(state='attached')
    from swapkit.video.provenance import read_mark
    for name in ('sample_swapped.mp4', 'ada_swapped.png'): assert read_mark(folder/'studio'/name)['state']=='valid'
