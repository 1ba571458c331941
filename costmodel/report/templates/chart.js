"use strict";
// Draws the page's charts from their data: see charts.py for what panels, axes and marks are.
const charts = (() => {
  const data = JSON.parse(document.getElementById("charts").textContent);
  const SPACE = "http://www.w3.org/2000/svg";
  const CHARACTER = 6.6; // width of one in pixels, at the size of tick labels
  const GAP = 14; // between panels
  const NEAR = 30; // pixels from the pointer to the point that it shows

  const make = (parent, name, attributes, text) => {
    const element = document.createElementNS(SPACE, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  };
  const colour = (ink) => (ink === "ink" ? "currentColor" : ink === "faint" ? "var(--grid)" : `var(--${ink})`);
  const shown = (value) => Number(value.toPrecision(6)).toLocaleString("en", { maximumFractionDigits: 6 });
  const shortened = (text, length) => (text.length <= length ? text : `${text.slice(0, Math.max(length - 1, 1))}…`);

  const FORWARD = { linear: (value) => value, log: Math.log10, log1p: (value) => Math.log10(1 + value) };

  const extent = (panel, side) => {
    const axis = panel[side];
    let values = (axis.names ?? []).map(([place]) => place);
    for (const mark of panel.marks) {
      const along = mark.kind === "rows" || mark.kind === "span" ? "x" : "y";
      values = values.concat(mark[side] ?? []);
      if (side === along) values = values.concat(mark.low ?? [], mark.high ?? []);
      if (mark.kind === "bars" && side === "y") values.push(0);
    }
    values = values.filter((value) => value !== null && Number.isFinite(FORWARD[axis.scale](value)));
    if (!values.length) return [0, 1];
    let low = values.reduce((one, other) => Math.min(one, other));
    let high = values.reduce((one, other) => Math.max(one, other));
    if (axis.names) return [low - 0.6, high + 0.6];
    if (low === high) [low, high] = axis.scale === "linear" ? [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)] : [low / 2, high * 2];
    return [low, high];
  };

  const ticks = (axis, [low, high], count) => {
    if (axis.names) return axis.names;
    const found = [];
    if (axis.scale === "linear") {
      const rough = (high - low) / Math.max(count, 1);
      const power = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? rough;
      for (let at = Math.ceil(low / step); at * step <= high + step * 1e-9; at += 1) found.push(at * step);
    } else {
      const first = Math.floor(Math.log10(Math.max(low, axis.scale === "log" ? Number.MIN_VALUE : 1)));
      const last = Math.ceil(Math.log10(Math.max(high, 1e-300)));
      const every = Math.max(1, Math.ceil((last - first) / Math.max(count, 1)));
      // Round numbers at equal distances tell more than powers where the largest value is less than thrice the least.
      if (low > 0 && high / low < 3) return ticks({ scale: "linear" }, [low, high], count);
      const factors = last - first <= 2 ? [1, 2, 5] : [1];
      if (axis.scale === "log1p" && low <= 0) found.push(0);
      for (let power = first; power <= last; power += every) {
        for (const factor of factors) found.push(factor * 10 ** power);
      }
    }
    return found.filter((value) => value >= low && value <= high).map((value) => [value, shown(value)]);
  };

  const scaled = (axis, [low, high], from, to) => {
    const forward = FORWARD[axis.scale];
    const [start, end] = [forward(low), forward(high)];
    const margin = axis.names ? 0 : (end - start) * 0.03;
    return (value) => from + ((forward(value) - start + margin) / (end - start + 2 * margin)) * (to - from);
  };

  const path = (xs, ys) => {
    let text = "";
    let drawing = false;
    xs.forEach((x, place) => {
      const y = ys[place];
      if (!Number.isFinite(x) || !Number.isFinite(y)) { drawing = false; return; }
      text += `${drawing ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      drawing = true;
    });
    return text;
  };

  const draw = (frame) => {
    const chart = data[frame.dataset.chart];
    const width = Math.round(frame.clientWidth);
    if (!chart || !width) return;
    frame.dataset.width = width;
    frame.replaceChildren();
    const points = [];
    legend(frame, chart);
    const axes = chart.panels.map((panel) => ({ x: extent(panel, "x"), y: extent(panel, "y") }));
    const across = [Math.min(...axes.map((each) => each.x[0])), Math.max(...axes.map((each) => each.x[1]))];
    const labels = chart.panels.map((panel, place) => ticks(panel.y, axes[place].y, 5));
    const longest = Math.max(...labels.flat().map(([, text]) => text.length), 1);
    const left = Math.min(longest * CHARACTER + 28, width * 0.42);
    const right = width - 12;
    const svg = make(frame, "svg", { viewBox: `0 0 ${width} ${chart.height}`, width: "100%", "aria-hidden": "true" });
    const total = chart.panels.reduce((sum, panel) => sum + panel.height, 0);
    const room = chart.height - 44 - GAP * (chart.panels.length - 1) - 8;
    let top = 8;
    chart.panels.forEach((panel, place) => {
      const height = (room * panel.height) / total;
      const last = place === chart.panels.length - 1;
      const box = { left, right, top, bottom: top + height, width };
      drawPanel(svg, panel, axes[place], across, labels[place], box, last, points);
      top += height + GAP;
    });
    hover(frame, svg, points);
  };

  const legend = (frame, chart) => {
    const named = chart.panels.flatMap((panel) => panel.marks).filter((mark) => mark.label);
    if (!named.length) return;
    const list = document.createElement("p");
    list.className = "legend";
    for (const mark of named) {
      const entry = document.createElement("span");
      const swatch = document.createElement("i");
      swatch.className = mark.kind === "points" || mark.kind === "rows" ? "dot" : mark.kind === "band" || mark.kind === "span" || mark.kind === "bars" ? "area" : mark.dashed ? "dashed" : "solid";
      swatch.style.color = colour(mark.ink);
      entry.append(swatch, mark.label);
      list.append(entry);
    }
    frame.append(list);
  };

  const drawPanel = (svg, panel, axes, across, labels, box, last, points) => {
    const x = scaled(panel.x, across, box.left, box.right);
    const y = scaled(panel.y, axes.y, box.bottom, box.top);
    const text = { fill: "currentColor", "font-size": 12 };
    for (const [value, label] of labels) {
      const at = y(value);
      make(svg, "line", { x1: box.left, x2: box.right, y1: at, y2: at, stroke: "var(--grid)" });
      make(svg, "text", { ...text, x: box.left - 6, y: at + 4, "text-anchor": "end" }, shortened(label, Math.floor((box.left - 26) / CHARACTER)));
    }
    const below = ticks(panel.x, across, Math.max(2, Math.floor((box.right - box.left) / 110)));
    for (const [value, label] of below) {
      const at = x(value);
      make(svg, "line", { x1: at, x2: at, y1: box.top, y2: box.bottom, stroke: "var(--grid)" });
      if (last) make(svg, "text", { ...text, x: at, y: box.bottom + 16, "text-anchor": at > box.right - 30 ? "end" : "middle" }, label);
    }
    make(svg, "path", { d: `M${box.left} ${box.top}V${box.bottom}H${box.right}`, fill: "none", stroke: "currentColor", "stroke-opacity": 0.5 });
    if (last && panel.x.label) make(svg, "text", { ...text, x: (box.left + box.right) / 2, y: box.bottom + 34, "text-anchor": "middle" }, shortened(panel.x.label, Math.floor((box.right - box.left) / CHARACTER)));
    if (panel.y.label) {
      const middle = (box.top + box.bottom) / 2;
      make(svg, "text", { ...text, x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` }, panel.y.label);
    }
    const clip = `clip-${charts.count += 1}`;
    const shape = make(svg, "clipPath", { id: clip });
    make(shape, "rect", { x: box.left, y: box.top - 4, width: Math.max(box.right - box.left + 6, 0), height: Math.max(box.bottom - box.top + 8, 0) });
    const group = make(svg, "g", { "clip-path": `url(#${clip})` });
    for (const mark of panel.marks) drawMark(group, mark, x, y, box, points);
  };

  const drawMark = (group, mark, x, y, box, points) => {
    const stroke = colour(mark.ink);
    const xs = (mark.x ?? []).map(x);
    const ys = (mark.y ?? []).map(y);
    const line = { stroke, fill: "none", "stroke-width": mark.ink === "ink" ? 1.2 : 1.8, ...(mark.dashed ? { "stroke-dasharray": "5 4" } : {}) };
    if (mark.kind === "line") {
      make(group, "path", { ...line, d: path(xs, ys) });
    } else if (mark.kind === "band") {
      const back = path([...xs].reverse(), [...mark.low].reverse().map(y)).replace("M", "L");
      make(group, "path", { d: `${path(xs, mark.high.map(y))}${back}Z`, fill: stroke, "fill-opacity": 0.2 });
    } else if (mark.kind === "span") {
      make(group, "rect", { x: x(mark.low[0]), y: box.top, width: Math.max(x(mark.high[0]) - x(mark.low[0]), 0), height: box.bottom - box.top, fill: stroke, "fill-opacity": 0.12 });
    } else if (mark.kind === "rule") {
      const d = mark.x ? xs.map((at) => `M${at} ${box.top}V${box.bottom}`) : ys.map((at) => `M${box.left} ${at}H${box.right}`);
      make(group, "path", { ...line, d: d.join(""), "stroke-width": 1 });
    } else if (mark.kind === "bars") {
      const widths = xs.slice(1).map((at, place) => at - xs[place]);
      const wide = Math.max(widths.length ? Math.min(...widths) * 0.9 : 20, 1);
      xs.forEach((at, place) => make(group, "rect", { x: at - wide / 2, y: Math.min(ys[place], y(0)), width: wide, height: Math.abs(y(0) - ys[place]), fill: stroke }));
    } else {
      xs.forEach((at, place) => {
        if (!Number.isFinite(at) || !Number.isFinite(ys[place])) return;
        if (mark.low) {
          const scale = mark.kind === "rows" ? x : y;
          const ends = [mark.low[place], mark.high[place]].map((end) => (end === null ? NaN : scale(end)));
          if (ends.every(Number.isFinite)) make(group, "path", { ...line, "stroke-width": 1.2, d: mark.kind === "rows" ? `M${ends[0]} ${ys[place]}H${ends[1]}` : `M${at} ${ends[0]}V${ends[1]}` });
        }
        make(group, "circle", { cx: at, cy: ys[place], r: xs.length > 300 ? 1.8 : 3.2, fill: stroke });
        if (mark.texts) points.push({ x: at, y: ys[place], text: mark.texts[place] });
      });
    }
  };

  // What a point says: under the pointer, or with the arrow keys once the chart has the focus.
  const hover = (frame, svg, points) => {
    if (!points.length) return;
    points.sort((one, other) => one.x - other.x || one.y - other.y);
    const tip = document.createElement("output");
    tip.className = "tip";
    tip.hidden = true;
    frame.append(tip);
    const ring = make(svg, "circle", { r: 6, fill: "none", stroke: "currentColor", "stroke-width": 1.5, visibility: "hidden" });
    let chosen = -1;
    const show = (place) => {
      chosen = place;
      const point = points[place];
      tip.hidden = !point;
      ring.setAttribute("visibility", point ? "visible" : "hidden");
      if (!point) return;
      tip.textContent = point.text;
      ring.setAttribute("cx", point.x);
      ring.setAttribute("cy", point.y);
      const left = Math.min(Math.max(point.x - tip.offsetWidth / 2, 0), frame.clientWidth - tip.offsetWidth);
      tip.style.left = `${left}px`;
      tip.style.top = `${Math.max(svg.offsetTop ?? 0, frame.querySelector("svg").getBoundingClientRect().top - frame.getBoundingClientRect().top + point.y - tip.offsetHeight - 10)}px`;
    };
    svg.addEventListener("pointermove", (event) => {
      const bounds = svg.getBoundingClientRect();
      const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
      let best = -1;
      let least = NEAR;
      points.forEach((point, place) => {
        const distance = Math.hypot(point.x - x, point.y - y);
        if (distance < least) [best, least] = [place, distance];
      });
      show(best);
    });
    svg.addEventListener("pointerleave", () => show(-1));
    frame.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (event.key === "Escape") show(-1);
      if (!step) return;
      event.preventDefault();
      show((chosen + step + points.length) % points.length);
    };
    frame.onblur = () => show(-1);
  };

  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) if (Number(target.dataset.width) !== Math.round(target.clientWidth)) draw(target);
  });
  const frames = [...document.querySelectorAll("[data-chart]")];
  for (const frame of frames) {
    frame.style.minHeight = `${data[frame.dataset.chart]?.height ?? 0}px`;
    observer.observe(frame);
  }
  // Draws a chart anew from other data.
  const change = (name, chart) => {
    data[name] = chart;
    for (const frame of frames) if (frame.dataset.chart === name) draw(frame);
  };
  return { count: 0, change, drawAll: () => { for (const frame of frames) if (!frame.dataset.width) draw(frame); } };
})();
