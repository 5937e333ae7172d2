# SPDX-License-Identifier: Apache-2.0
"""page_check.py REPORT.html [--hostile]: opens the page at phone and desktop width, light and dark, and checks what a reader needs.
Screenshots go to the folder that OD_SCREENSHOTS names."""
import os, pathlib, sys
from chromium import Page

path = sys.argv[1]
problems = []
shots = os.environ.get("OD_SCREENSHOTS")


def check(ok, what):
    if not ok:
        problems.append(what)


STRUCTURE = """(() => {
  const all = s => [...document.querySelectorAll(s)], wrong = [];
  const ids = all('[id]').map(e => e.id);
  ids.filter((id, i) => ids.indexOf(id) !== i).forEach(id => wrong.push('id twice: ' + id));
  all('a[href^="#"]').forEach(a => { if (!document.getElementById(a.getAttribute('href').slice(1))) wrong.push('link to nowhere: ' + a.getAttribute('href')); });
  all('a[href]').forEach(a => { if (!a.getAttribute('href').startsWith('#')) wrong.push('link to the outside: ' + a.href); });
  if (all('h1').length !== 1) wrong.push('h1: ' + all('h1').length);
  let level = 0;
  all('h1,h2,h3,h4').forEach(h => { const n = +h.tagName[1]; if (n > level + 1) wrong.push('heading skips a level: ' + h.textContent); level = n; });
  all('svg').forEach(s => { if (s.getAttribute('aria-hidden') !== 'true' && !(s.getAttribute('role') === 'img' && s.getAttribute('aria-label'))) wrong.push('drawing without words'); });
  all('select,input').forEach(e => { if (!e.labels || !e.labels.length) wrong.push('control without label: ' + e.name); });
  all('table').forEach(t => { if (!t.querySelector('th')) wrong.push('table without headings'); });
  all('section').forEach(s => { if (!document.getElementById(s.getAttribute('aria-labelledby'))) wrong.push('section without name'); });
  if (all('img,iframe,object,embed,link').length || all('script').length !== 1) wrong.push('foreign elements');
  if (document.documentElement.lang !== 'en') wrong.push('no language');
  if (all('.answer').length !== 12) wrong.push('answers: ' + all('.answer').length);
  all('.answer').forEach(a => { if (!a.querySelector('.badge') || !a.querySelector('.headline') || !a.querySelector('.links a')) wrong.push('answer without verdict, text or evidence: ' + a.id); });
  return wrong;
})()"""

FILTERS = """(() => {
  const form = document.getElementById('failure-filters'), wrong = [];
  if (!form) return wrong;
  if (form.hidden) wrong.push('filters are hidden');
  const items = [...document.querySelectorAll('#gallery .failure, #failure-rows tr')];
  const set = (name, value) => { form.elements[name].value = value; form.dispatchEvent(new Event('input', {bubbles: true})); };
  const visible = () => items.filter(i => !i.hidden);
  for (const name of ['kind', 'class', 'size', 'group']) {
    if (!form.elements[name]) continue;
    for (const option of [...form.elements[name].options].slice(1)) {
      set(name, option.value);
      const expected = items.filter(i => i.dataset[name] === option.value || (name === 'class' && i.dataset.other === option.value)).length;
      if (visible().length !== expected) wrong.push(`${name}=${option.value}: ${visible().length} instead of ${expected}`);
      if (name === 'kind' && !expected) wrong.push(`kind ${option.value} is offered without failures`);
    }
    set(name, '');
  }
  if (visible().length !== items.length) wrong.push('all does not show all');
  if (items.length) {
    const image = items[0].dataset.image;
    set('search', image);
    if (!visible().length || visible().some(i => !i.dataset.image.toLowerCase().includes(image.toLowerCase()))) wrong.push('search fails');
    set('search', 'there is no such image');
    if (visible().length) wrong.push('search shows what it should not');
    set('search', '');
  }
  const gallery = document.getElementById('gallery'), first = gallery.querySelector('.failure');
  if (first) {
    set('view', 'crop');
    if (getComputedStyle(first.querySelector('.whole')).display !== 'none' || getComputedStyle(first.querySelector('.crop')).display === 'none') wrong.push('close-ups alone fail');
    set('view', 'both');
    const use = document.querySelector('#gallery use');
    if (use && !document.getElementById(use.getAttribute('href').slice(1))) wrong.push('picture missing');
    if (!/^[0-9]+ of [0-9]+ pictures/.test(form.querySelector('output').textContent)) wrong.push('no count: ' + form.querySelector('output').textContent);
  }
  return wrong;
})()"""

for name, width, dark in (("desktop", 1280, False), ("desktop-dark", 1280, True), ("phone", 390, False), ("phone-dark", 390, True)):
    with Page(path, width=width, dark=dark, mobile=width < 500) as page:
        problems += [f"{name}: {w}" for w in page.run(STRUCTURE) + page.run(FILTERS)]
        check(page.run("document.documentElement.scrollWidth") <= width, f"{name}: wider than the screen")
        background = page.run("getComputedStyle(document.body).backgroundColor")
        check((sum(map(int, background[4:-1].split(", "))) < 200) == dark, f"{name}: background {background}")
        page.run("document.getElementById('theme').click(), document.getElementById('theme').click()")
        check(page.run("getComputedStyle(document.body).backgroundColor") == "rgb(18, 20, 22)", f"{name}: the theme switch doesn't darken")
        page.run("document.getElementById('theme').click()")
        if shots:
            page.screenshot(pathlib.Path(shots) / f"{pathlib.Path(path).stem}-{name}.png", clip=(0, 0, width, 6000))
        page.media("print")
        check(page.run("getComputedStyle(document.querySelector('nav.toc')).display") == "none", f"{name}: the list of sections is printed")
        check(page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", f"{name}: printed on a dark ground")
        check(not page.messages, f"{name}: the console says {page.messages[:3]}")
        check(len(page.requests) == 1, f"{name}: it loads {page.requests[1:4]}")

print("\n".join(problems) if problems else f"{path}: fine")
sys.exit(bool(problems))
