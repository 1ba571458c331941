// Prices that the reader changes in the page: what they do to measured points and to real scripts, at once.
(() => {
  const source = document.getElementById("trial-data");
  if (source === null) return;
  const data = JSON.parse(source.textContent);
  const LEAST = 5000; // ps: shorter points are not judged, as around them steps take several times that
  const find = (id) => document.getElementById(`trial-${id}`);

  const linear = (size) => (k, s) => k.intercept + k.slope * size(s);
  const quadratic = (at) => (k, s) => k.c0 + k.c1 * s[at] + k.c2 * s[at] * s[at];
  const plane = (a, b) => (k, s) => k.intercept + k.slope1 * s[a] + k.slope2 * s[b];
  const surface = (a, b) => (k, s) => Math.max(k.minimum, k.c00 + k.c10 * s[a] + k.c01 * s[b] + k.c20 * s[a] * s[a] + k.c11 * s[a] * s[b] + k.c02 * s[b] * s[b]);
  // The formulas of costmodel/model/shapes.py.
  const COST = {
    constant_cost: (k) => k.constant,
    linear_in_x: linear((s) => s[0]),
    linear_in_y: linear((s) => s[1]),
    linear_in_z: linear((s) => s[2]),
    linear_in_u: linear((s) => s[3]),
    quadratic_in_x: quadratic(0),
    quadratic_in_y: quadratic(1),
    quadratic_in_z: quadratic(2),
    linear_in_x_and_y: plane(0, 1),
    linear_in_y_and_z: plane(1, 2),
    added_sizes: linear((s) => s[0] + s[1]),
    multiplied_sizes: linear((s) => s[0] * s[1]),
    min_size: linear((s) => Math.min(s[0], s[1])),
    max_size: linear((s) => Math.max(s[0], s[1])),
    subtracted_sizes: (k, s) => k.intercept + k.slope * Math.max(k.minimum, s[0] - s[1]),
    linear_in_y2: linear((s) => s[1]),
    linear_on_diagonal: (k, s) => (s[0] === s[1] ? k.intercept + k.slope * s[0] : k.constant),
    quadratic_in_x_and_y: surface(0, 1),
    quadratic_in_y_and_z: surface(1, 2),
    with_interaction_in_x_and_y: (k, s) => k.c00 + k.c10 * s[0] + k.c01 * s[1] + k.c11 * s[0] * s[1],
    linear_in_max_yz: linear((s) => Math.max(s[1], s[2])),
    literal_in_y_or_linear_in_z: (k, s) => (s[1] === 0 ? k.intercept + k.slope * s[2] : s[1]),
    exp_mod_cost: (k, s) => {
      const total = k.coefficient00 + k.coefficient11 * s[1] * s[2] + k.coefficient12 * s[1] * s[2] * s[2];
      return s[0] <= s[2] ? total : total + Math.floor(total / 2);
    },
  };
  const INSIDE = {
    const_off_diagonal: (s) => s[0] === s[1],
    const_above_diagonal: (s) => s[0] >= s[1],
    const_below_diagonal: (s) => s[0] <= s[1],
    above_and_below_diagonal: null,
  };
  const INNER = "model.";
  const innerValues = (values) => Object.fromEntries(Object.entries(values).filter(([name]) => name.startsWith(INNER)).map(([name, value]) => [name.slice(INNER.length), value]));
  const raw = (price, sizes) => {
    if (price.inner === null) return COST[price.type](price.values, sizes);
    const inside = INSIDE[price.type];
    const values = innerValues(price.values);
    if (inside === null) return COST[price.inner](values, [Math.max(sizes[0], sizes[1]), Math.min(sizes[0], sizes[1])]);
    return inside(sizes) ? COST[price.inner](values, sizes) : price.values.constant;
  };
  const cost = (price, sizes) => Math.min(Math.max(raw(price, sizes), 0), 2 ** 63);

  const fields = (price) => {
    const inner = price.inner === null ? [] : data.shapes[price.inner].fields.map((name) => INNER + name);
    return [...data.shapes[price.type].fields, ...inner];
  };
  const proposed = (name) => {
    const { type, inner, values } = data.builtins[name];
    return { type, inner, values: { ...values } };
  };
  const edits = new Map();
  const price = (name) => edits.get(name) ?? proposed(name);
  const differs = (name) => JSON.stringify(price(name)) !== JSON.stringify(proposed(name));

  // Least squares of relative errors, for a shape that was just chosen; what would be negative becomes 0.
  const fitted = (name, wanted) => {
    const points = data.builtins[name].points;
    const zero = Object.fromEntries(fields(wanted).map((field) => [field, 0]));
    const free = fields(wanted).filter((field) => !field.endsWith("minimum"));
    const at = (values, sizes) => raw({ ...wanted, values }, sizes);
    const rows = points.map(([sizes, ps]) => {
      const offset = at(zero, sizes);
      const weight = 1 / Math.max(ps, 1000);
      return { row: free.map((field) => (at({ ...zero, [field]: 1 }, sizes) - offset) * weight), target: (ps - offset) * weight };
    });
    let kept = free.map((_, place) => place).filter((place) => rows.some(({ row }) => row[place] !== 0));
    let found = [];
    for (;;) {
      found = solve(rows, kept);
      const negative = kept.filter((_, place) => found[place] < 0);
      if (!negative.length) break;
      kept = kept.filter((_, place) => found[place] >= 0);
    }
    const values = { ...zero };
    kept.forEach((place, order) => { values[free[place]] = Math.ceil(found[order]); });
    return { ...wanted, values };
  };
  const solve = (rows, kept) => {
    const n = kept.length;
    const lengths = kept.map((place) => Math.hypot(...rows.map(({ row }) => row[place])) || 1);
    const matrix = kept.map((one, i) => [
      ...kept.map((other, j) => rows.reduce((sum, { row }) => sum + (row[one] / lengths[i]) * (row[other] / lengths[j]), i === j ? 1e-9 : 0)),
      rows.reduce((sum, { row, target }) => sum + (row[one] / lengths[i]) * target, 0),
    ]);
    for (let column = 0; column < n; column += 1) {
      let pivot = column;
      for (let row = column; row < n; row += 1) if (Math.abs(matrix[row][column]) > Math.abs(matrix[pivot][column])) pivot = row;
      [matrix[column], matrix[pivot]] = [matrix[pivot], matrix[column]];
      for (let row = 0; row < n; row += 1) {
        if (row === column) continue;
        const factor = matrix[row][column] / matrix[column][column];
        for (let place = column; place <= n; place += 1) matrix[row][place] -= factor * matrix[column][place];
      }
    }
    return matrix.map((row, place) => row[n] / row[place] / lengths[place]);
  };

  const number = (value, digits = 3) => Number(value.toPrecision(digits)).toLocaleString("en", { maximumFractionDigits: 6 });
  const percent = (share) => (share === 0 ? "0 %" : `${share > 0 ? "+" : "−"}${number(Math.abs(100 * share))} %`);
  const sizesOf = (sizes) => sizes.map((size) => size.toLocaleString("en")).join("×") || "–";
  const time = (ps) => (ps >= 1e9 ? `${number(ps / 1e9)} ms` : ps >= 1e6 ? `${number(ps / 1e6)} µs` : `${number(ps / 1e3)} ns`);

  const judged = (name, wanted) => {
    const found = data.builtins[name].points
      .map(([sizes, ps]) => ({ sizes, ps, charged: cost(wanted, sizes) }))
      .map((each) => ({ ...each, ratio: each.ps / Math.max(each.charged, 1) }))
      .sort((one, other) => other.ratio - one.ratio);
    const counted = found.filter((each) => each.ps >= LEAST);
    return { points: found, counted, under: counted.filter((each) => each.ratio > 1).length, over: counted.filter((each) => each.ratio < 1).length };
  };
  const moreOf = (name) => data.builtins[name].used.reduce((sum, [sizes, count]) => sum + count * (cost(price(name), sizes) - cost(proposed(name), sizes)), 0);

  const figure = (id, value, note) => {
    find(id).textContent = value;
    find(`${id}-note`).textContent = note;
  };
  const worst = (found, end) => {
    const each = end ? found.counted[found.counted.length - 1] : found.counted[0];
    if (each === undefined) return ["–", "no point of 5 ns and more"];
    return [end ? `${number(1 / each.ratio)}×` : `${number(each.ratio)}×`, `at ${sizesOf(each.sizes)}: ${time(each.ps)} measured, ${time(each.charged)} charged`];
  };

  const showFigures = (name) => {
    const [now, before] = [judged(name, price(name)), judged(name, proposed(name))];
    figure("under", `${now.under} of ${now.counted.length}`, `${before.under} as proposed`);
    figure("over", `${now.over} of ${now.counted.length}`, `${before.over} as proposed`);
    figure("worst-under", ...worst(now, false));
    figure("worst-over", ...worst(now, true));
    const corpus = data.corpus;
    if (corpus !== null) {
      const more = [...edits.keys()].reduce((sum, each) => sum + moreOf(each), 0);
      const calls = data.builtins[name].used.reduce((sum, [, count]) => sum + count, 0);
      figure("cpu", percent(corpus.cpu ? more / corpus.cpu : 0), `${calls.toLocaleString("en")} calls of ${name} in ${corpus.evaluations.toLocaleString("en")} evaluations`);
      figure("fees", percent(corpus.fees ? (more * corpus.price) / corpus.fees : 0), `${percent0(more * corpus.price)} lovelace over ${corpus.name}`);
    }
    showPoints(now);
    draw(name, now, before);
  };
  const percent0 = (value) => `${value < 0 ? "−" : "+"}${Math.round(Math.abs(value)).toLocaleString("en")}`;

  const showPoints = (found) => {
    const chosen = [...found.counted.slice(0, 3), ...found.counted.slice(-3)];
    const body = find("points");
    body.replaceChildren();
    for (const each of new Set(chosen)) {
      const row = body.insertRow();
      for (const text of [sizesOf(each.sizes), time(each.ps), time(each.charged), number(each.ratio, 4)]) row.insertCell().textContent = text;
      for (const cell of [...row.cells].slice(1)) cell.className = "number";
    }
  };

  const draw = (name, now, before) => {
    const mark = (found, ink, label) => ({
      kind: "points", ink, label,
      x: found.points.map((each) => each.ps / 1000),
      y: found.points.map((each) => Math.max(each.charged, 1) / each.ps),
      texts: found.points.map((each) => `${sizesOf(each.sizes)}: ${time(each.ps)} measured, ${time(each.charged)} charged`),
    });
    const marks = [{ kind: "rule", ink: "ink", y: [1] }, mark(before, "series-2", "as proposed")];
    if (differs(name)) marks.push(mark(now, "fit", "as changed"));
    charts.change("trial", { height: 320, panels: [{ x: { label: "measured (ns)", scale: "log" }, y: { label: "charged / measured", scale: "log" }, height: 1, marks }] });
  };

  const option = (select, value, text) => {
    const each = document.createElement("option");
    each.value = value;
    each.textContent = text ?? value;
    select.append(each);
  };
  const changed = (name, wanted) => {
    edits.set(name, wanted);
    if (!differs(name)) edits.delete(name);
    refresh(name);
  };
  const refresh = (name) => {
    showFigures(name);
    find("reset").disabled = !edits.has(name);
    find("reset-all").disabled = edits.size === 0;
    const list = [...edits].map(([builtin, each]) => [builtin, { cpu: upstream(each) }]);
    find("edits").value = edits.size === 0 ? "" : JSON.stringify({ kind: "price edits", schema_version: 1, model: data.model, model_sha256: data.sha256, picoseconds_of: data.basis, builtins: Object.fromEntries(list) }, null, 2);
    find("changed").textContent = edits.size === 0 ? "nothing changed" : `changed: ${[...edits.keys()].join(", ")}`;
  };
  const upstream = (each) => {
    const own = (tag, values) => (tag === "constant_cost" ? values.constant : Object.fromEntries(data.shapes[tag].fields.map((field) => [field, values[field]])));
    const of = own(each.type, each.values);
    if (each.inner !== null) of.model = { arguments: own(each.inner, innerValues(each.values)), type: each.inner };
    return { arguments: of, type: each.type };
  };

  const showInputs = (name) => {
    const wanted = price(name);
    const [shape, inner, box] = [find("shape"), find("inner"), find("inputs")];
    shape.replaceChildren();
    inner.replaceChildren();
    const arity = data.builtins[name].arity;
    for (const [tag, each] of Object.entries(data.shapes)) {
      if (each.arity <= arity) option(shape, tag);
      if (!each.inner && each.arity <= arity) option(inner, tag);
    }
    shape.value = wanted.type;
    inner.value = wanted.inner ?? "constant_cost";
    find("inner-label").hidden = wanted.inner === null;
    box.replaceChildren();
    for (const field of fields(wanted)) {
      const label = document.createElement("label");
      const input = document.createElement("input");
      input.type = "number";
      input.step = "1";
      input.inputMode = "numeric";
      input.value = String(wanted.values[field]);
      input.dataset.field = field;
      label.append(`${field.replace(INNER, "inner ")} (ps)`, input);
      input.addEventListener("input", () => {
        const value = Number(input.value);
        const valid = input.value.trim() !== "" && Number.isSafeInteger(value);
        input.setAttribute("aria-invalid", String(!valid));
        if (valid) changed(name, { ...price(name), values: { ...price(name).values, [field]: value } });
      });
      box.append(label);
    }
  };
  const show = (name) => {
    showInputs(name);
    refresh(name);
  };
  const reshape = () => {
    const name = find("builtin").value;
    const type = find("shape").value;
    const inner = data.shapes[type].inner ? find("inner").value || "constant_cost" : null;
    const own = proposed(name);
    const same = own.type === type && own.inner === inner;
    edits.set(name, same ? own : fitted(name, { type, inner, values: {} }));
    if (!differs(name)) edits.delete(name);
    show(name);
  };

  for (const name of Object.keys(data.builtins)) option(find("builtin"), name);
  find("builtin").addEventListener("change", () => show(find("builtin").value));
  find("shape").addEventListener("change", reshape);
  find("inner").addEventListener("change", reshape);
  find("reset").addEventListener("click", () => { edits.delete(find("builtin").value); show(find("builtin").value); });
  find("reset-all").addEventListener("click", () => { edits.clear(); show(find("builtin").value); });
  document.getElementById("trial").calibrate = { cost };
  show(find("builtin").value);
})();
