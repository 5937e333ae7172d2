/* SPDX-License-Identifier: Apache-2.0 */
'use strict';
(function () {
  var root = document.documentElement;
  function all(selector, from) { return Array.prototype.slice.call((from || document).querySelectorAll(selector)); }

  /* Light, dark, or as the system has it. */
  var button = document.getElementById('theme'), themes = ['auto', 'light', 'dark'], at = 0;
  if (button) {
    button.hidden = false;
    button.addEventListener('click', function () {
      at = (at + 1) % 3;
      if (at) root.setAttribute('data-theme', themes[at]); else root.removeAttribute('data-theme');
      button.textContent = 'Theme: ' + themes[at];
    });
  }

  /* Which section is being read. */
  var links = all('nav.toc a'), parts = all('section.part');
  if ('IntersectionObserver' in window) {
    var seen = {};
    var observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (e) { seen[e.target.id] = e.isIntersecting; });
      var current = parts.filter(function (p) { return seen[p.id]; })[0];
      links.forEach(function (a) {
        if (current && a.getAttribute('href') === '#' + current.id) a.setAttribute('aria-current', 'true');
        else a.removeAttribute('aria-current');
      });
    }, { rootMargin: '-20% 0px -60% 0px' });
    parts.forEach(function (p) { observer.observe(p); });
  }

  /* Failures by kind, class, size and group. */
  var form = document.getElementById('failure-filters');
  if (!form) return;
  var gallery = document.getElementById('gallery'), items = all('.failure', gallery), rows = all('#failure-rows tr');
  var output = form.querySelector('output');
  var fields = ['kind', 'class', 'size', 'group'];
  form.hidden = false;
  function apply() {
    var wanted = {}, words = form.elements.search.value.trim().toLowerCase();
    fields.forEach(function (f) { wanted[f] = form.elements[f] ? form.elements[f].value : ''; });
    function hide(item) {
      var ok = fields.every(function (f) {
        if (!wanted[f]) return true;
        var has = item.getAttribute('data-' + f) || '';
        return has === wanted[f] || (f === 'class' && item.getAttribute('data-other') === wanted[f]);
      });
      if (ok && words) ok = (item.getAttribute('data-image') || '').toLowerCase().indexOf(words) >= 0;
      item.hidden = !ok;
      return ok;
    }
    var shown = items.filter(hide).length, listed = rows.filter(hide).length;
    gallery.setAttribute('data-view', form.elements.view.value);
    output.textContent = (items.length ? shown + ' of ' + items.length + ' pictures, ' : '') + listed + ' of ' + rows.length + ' failures';
  }
  form.addEventListener('input', apply);
  form.addEventListener('reset', function () { setTimeout(apply, 0); });
  form.addEventListener('submit', function (e) { e.preventDefault(); });
  apply();
}());
