"""How long `swapkit studio` takes until its page can be used, in seconds since the command, as JSON.

    python tests/studio_start.py FILM PHOTO [CHROMIUM]

Needs playwright and a Chromium, as tests/test_browser.py does."""
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

STUDIO = Path(sys.executable).with_name('swapkit')


def measure(film, photo, chromium=None):
    "Seconds until the address is printed, and until the page shows its last button."
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        command = [STUDIO, 'studio', Path(film).resolve(), Path(photo).resolve(), '--no-browser', '--out', folder]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder)
        try:
            address = next(m[0] for line in server.stdout if (m := re.search(r'http://\S+', line)))
            printed = time.monotonic()-begun
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=chromium, args=['--no-sandbox'])
                asked = time.monotonic()-begun
                page = browser.new_page(viewport=dict(width=1280, height=1000))
                page.goto(address, timeout=60_000)
                page.get_by_role('button', name='Render').wait_for(timeout=60_000)
                usable = time.monotonic()-begun
                browser.close()
        finally:
            server.send_signal(signal.SIGINT)
            code = server.wait(30)
    return dict(address=round(printed, 1), page_asked=round(asked, 1), usable=round(usable, 1), exit_code=code)


if __name__ == '__main__':
    runs = [measure(*sys.argv[1:]) for _ in range(3)]
    note = 'Seconds since the command, three runs on two CPU cores.'
    print(json.dumps(dict(command='python tests/studio_start.py FILM PHOTO', note=note, runs=runs), indent=1))
