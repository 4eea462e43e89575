"""A browser drives JupyterLab: the studio's tutorial, from an empty page to a rendered film, then a photo.

Slow, and it needs what nothing else here does: `.venv/bin/pip install playwright==1.65.2`, and a Chromium (your
system's, or
`.venv/bin/playwright install chromium`). Then `SWAPKIT_TEST_FLAGS=slow python3 dev.py test tests/test_browser.py`;
SWAPKIT_SHOTS
names a folder for screenshots."""
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import dev

pytestmark = pytest.mark.skipif(
    'slow' not in os.environ.get('SWAPKIT_TEST_FLAGS', '').split(), reason='slow: SWAPKIT_TEST_FLAGS does not name it'
)


@pytest.fixture
def lab(tmp_path):
    "Address of a JupyterLab whose folder has the tutorial in it."
    shutil.copy(dev.ROOT/'nbs'/'learn'/'studio.ipynb', tmp_path)
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    cmd = [
        sys.executable,
        '-m',
        'jupyterlab',
        '--no-browser',
        '--allow-root',
        '--ip=127.0.0.1',
        f'--port={port}',
        '--ServerApp.port_retries=0',
        '--IdentityProvider.token=',
        f'--ServerApp.root_dir={tmp_path}',
        '--LabApp.news_url=',
    ]
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(dev.ROOT), os.environ.get('PYTHONPATH', '')])}
    with open(tmp_path / 'lab.log', 'w') as log:
        server = subprocess.Popen(cmd, cwd=tmp_path, env=env, stdout=log, stderr=log)
    url = f'http://127.0.0.1:{port}'
    try:
        for _ in range(240):
            try: urllib.request.urlopen(f'{url}/api', timeout=5); break
            except OSError: time.sleep(.5)
        else: pytest.fail((tmp_path/'lab.log').read_text()[-3000:])
        yield url, tmp_path
    finally: server.terminate(); server.wait(30)


def test_studio_in_jupyterlab(lab):
    sync = pytest.importorskip('playwright.sync_api', reason='playwright is not installed').sync_playwright
    url, folder = lab
    shots = Path(os.environ.get('SWAPKIT_SHOTS', folder))
    with sync() as p:
        browser = p.chromium.launch(executable_path=shutil.which('chromium'), args=['--no-sandbox'])
        page = browser.new_page(viewport=dict(width=1400, height=1300))
        page.set_default_timeout(240_000)
        page.goto(f'{url}/lab/tree/studio.ipynb?reset')
        cells = page.locator('.jp-Notebook .jp-CodeCell')
        for n in (0, 1): # imports, then the studio
            cells.nth(n).locator('.cm-content').click()
            page.keyboard.press('Shift+Enter')
        click = lambda name: page.get_by_role('button', name=name, exact=True).last.click()
        page.get_by_text('7 · The same as text').wait_for()
        click('Sample film')
        page.get_by_text('24 frames, 320 × 180').wait_for()
        click('Find people')
        page.locator('figcaption', has_text='person 1').wait_for()
        menus = page.locator('select:has(option:text("stays"))')
        menus.nth(0).select_option('cai')
        page.get_by_text('frame 0: 1 face').wait_for()
        menus.nth(1).select_option('eve')
        page.get_by_text('frame 0: 2 faces').wait_for()
        page.screenshot(path=shots/'studio_frame.png')
        click('Render')
        page.locator('video').wait_for(state='attached')
        page.locator('video').scroll_into_view_if_needed()
        page.screenshot(path=shots/'studio_result.png')
        page.get_by_text('More', exact=True).first.click()
        page.get_by_text('small faces').wait_for()
        path = page.get_by_placeholder('path of a film or a photo')
        path.fill(str(dev.ROOT/'swapkit'/'samples'/'ada.jpg')); path.press('Enter')
        page.get_by_text('1 frame, 640 × 640').wait_for()
        page.locator('select:has(option:text("stays"))').nth(0).select_option('cai')
        page.get_by_text('frame 0: 1 face').wait_for()
        page.screenshot(path=shots/'studio_photo.png')
        click('Render')
        page.locator('img.widget-image').wait_for(state='attached')
        browser.close()
    from swapkit.video.provenance import read_mark
    for name in ('sample_swapped.mp4', 'ada_swapped.png'): assert read_mark(folder/'studio'/name)['state']=='valid'
