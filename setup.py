"What pyproject.toml calls dynamic, read from settings.ini."
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

here = Path(__file__).resolve().parent
config = ConfigParser(interpolation=None)
config.read(here/'settings.ini', encoding='utf-8')
cfg = config['DEFAULT']


def lines(key):
    return [line for line in cfg[key].splitlines() if line]


setup(
    version=cfg['version'],
    author=cfg['author'],
    keywords=cfg['keywords'].split(),
    long_description=(here/'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    install_requires=lines('requirements'),
    extras_require={key[len('extra_'):]: lines(key) for key in cfg if key.startswith('extra_')},
    entry_points={'console_scripts': lines('console_scripts'), 'nbdev': ['swapkit=swapkit._modidx:d']},
)
