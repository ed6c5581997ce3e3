// Shows a point's values next to the pointer. Without this script browsers show the same text as
// a native tooltip after a moment.
(function () {
  "use strict";
  var tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  document.body.appendChild(tip);
  var lit = null;
  function clear() {
    if (lit) lit.classList.remove("near");
    lit = null;
    tip.hidden = true;
  }
  document.querySelectorAll("svg.plot").forEach(function (svg) {
    // The drawing's own title would show on top of a point's values.
    var title = svg.querySelector("title");
    var description = svg.querySelector("desc");
    svg.setAttribute("aria-label", title.textContent + ". " + description.textContent);
    title.remove();
    var points = Array.from(svg.querySelectorAll(".plot-point, .plot-mark, .plot-cell > title"));
    points = points.map(function (node) {
      return node.tagName === "title" ? node.parentNode : node;
    });
    points.forEach(function (point) {
      var own = point.querySelector("title");
      if (!own) return;
      point.tip = own.textContent;
      own.remove();
    });
    function nearest(x, y) {
      var best = null;
      var least = 28 * 28;
      points.forEach(function (point) {
        if (!point.tip) return;
        var box = point.getBoundingClientRect();
        var dx = Math.max(box.left - x, x - box.right, 0) + Math.abs((box.left + box.right) / 2 - x);
        var dy = Math.max(box.top - y, y - box.bottom, 0) + Math.abs((box.top + box.bottom) / 2 - y);
        var distance = dx * dx + dy * dy;
        if (distance < least) {
          least = distance;
          best = point;
        }
      });
      return best;
    }
    function show(event) {
      var point = nearest(event.clientX, event.clientY);
      if (point !== lit) clear();
      if (!point) return;
      lit = point;
      point.classList.add("near");
      tip.textContent = point.tip;
      tip.hidden = false;
      var width = tip.offsetWidth;
      var height = tip.offsetHeight;
      var left = Math.min(event.clientX + 14, document.documentElement.clientWidth - width - 8);
      var top = event.clientY - height - 12;
      tip.style.left = Math.max(left, 8) + "px";
      tip.style.top = (top < 8 ? event.clientY + 16 : top) + "px";
    }
    svg.addEventListener("pointermove", show);
    svg.addEventListener("pointerdown", show);
    svg.addEventListener("pointerleave", clear);
  });
  addEventListener("scroll", clear, { passive: true });
})();
