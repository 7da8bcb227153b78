/* The page: what is given goes through the circuit, and all that comes out is shown. */

const CONTROLS = { image: [Drawing, "Draw"], table: [Table, "Values"], alu: [Calculator, "Calculate"] };
const MOST_ROWS = 24, MOST_LEVELS = 8, MOST_COLUMNS = 400;

/** What a head makes of a sample, as a line of text and, where there are scores, their names. */
function answers(net, said) {
    const heads = net.heads ? Object.entries(net.heads) : [["", { ...net, ...net.only }]];
    return heads.map(([name, head]) => {
        const part = (all) => (net.heads ? all && all[name] : all);
        return { name, head, scores: part(said.scores), result: part(said.prediction) };
    });
}

/** A number, to six digits where it is not whole. */
const numeral = (value) => (Number.isInteger(value) ? counted(value) : String(Number(value.toPrecision(6))));

function told({ head, result }) {
    const names = head.classNames, label = (i) => (names ? shown(names[i]) : String(i));
    if (result === undefined) return "";
    if (head.words) {
        const each = head.words.length > 1 ? Object.entries(result) : [[null, result]];
        const text = ([name, values]) => (name ? name + " = " : "") + Array.from(values, String).join(", ");
        return each.map(text).join("; ");
    }
    if (head.task === "multilabel") {
        const set = Array.from(result).flatMap((on, i) => (on ? [label(i % head.scoreCount)] : []));
        return set.length ? set.join(", ") : "none of the labels";
    }
    if (head.task === "regression") {
        const named = names || head.scoreCount > 1;
        const text = (value, i) => (named ? label(i % head.scoreCount) + ": " : "") + numeral(value);
        return Array.from(result, text).join("; ");
    }
    const each = Array.from(result, label);
    return each.length > 64 ? each.slice(0, 64).join(" ") + " \u2026" : each.join(" ");
}

/** A table of the scores of one decision, with bars. */
class Votes {
    constructor({ name, head }, plain, group) {
        Object.assign(this, { head, plain, group });
        const what = (plain ? "Votes, of " + counted(group) + " each" : "Scores") + (name ? " of " + name : "");
        const names = head.classNames || Array.from({ length: head.scoreCount }, (_, i) => "class " + i);
        this.rows = Array.from({ length: Math.min(MOST_ROWS, head.scoreCount) }, () => {
            const bar = element("div", { className: "bar" });
            const title = element("th", { scope: "row" }), value = element("td");
            const row = element("tr", {}, title, element("td", {}, element("div", { className: "track" }, bar)), value);
            return { row, bar, title, value };
        });
        this.names = names.map(shown);
        const short = this.names.every((each) => each.length < 7);
        this.table = element("table", { className: short ? "short" : "" }, element("caption", {}, what),
            element("tbody", {}, ...this.rows.map(({ row }) => row)));
        if (head.scoreCount > MOST_ROWS)
            this.table.caption.append(", the " + MOST_ROWS + " highest of " + counted(head.scoreCount));
    }
    draw(scores) {
        const order = Array.from(scores.keys());
        if (scores.length > MOST_ROWS) order.sort((i, k) => scores[k] - scores[i] || i - k);
        const high = this.plain ? this.group : scores.reduce((top, score) => Math.max(top, score), 0);
        const low = scores.reduce((bottom, score) => Math.min(bottom, score), 0);
        const first = scores.indexOf(scores.reduce((top, score) => Math.max(top, score)));
        const best = this.head.task === "classification" ? first : -1;
        this.rows.forEach(({ row, bar, title, value }, place) => {
            const i = order[place], wins = this.head.task === "multilabel" ? scores[i] > 0 : i === best;
            title.textContent = this.names[i];
            title.title = this.names[i];
            value.textContent = counted(scores[i]);
            bar.style.width = (high > low ? (100 * (scores[i] - low)) / (high - low) : 0) + "%";
            row.className = wins ? "best" : "";
        });
    }
}

function measured(net, samples) {
    const run = () => {
        net.wasm.encode(samples);
        net.wasm.evaluate();
        net.wasm.head(samples);
    };
    run();
    for (let times = 8; ; times *= 4) {
        const began = performance.now();
        for (let i = 0; i < times; i++) run();
        const took = performance.now() - began;
        if (took > 12 || times > 1e6) return (1000 * took) / (times * samples);
    }
}

function start(net) {
    const facts = model.facts, luts = model.levels.reduce((sum, count) => sum + count, 0);
    document.title = shown(model.title);
    byId("title").textContent = shown(model.title);
    byId("about").textContent =
        "Everything on this page is computed by a circuit of " + plural(luts, "look-up table") + " (LUTs) in " +
        plural(model.levels.length, "level") + ". It runs here, as WebAssembly; nothing is sent anywhere.";
    const [kind, title] = CONTROLS[model.controls.kind];
    byId("input-title").textContent = title;
    let waiting = 0, idle = 0;
    const changed = () => {
        waiting ||= requestAnimationFrame(show);
        clearTimeout(idle);
        idle = setTimeout(measure, 500);
    };
    const depth = model.levels.length;
    const levels =
        depth > MOST_COLUMNS ? [new Level("All " + plural(depth, "level") + ", one after the other", luts)]
        : depth > MOST_LEVELS ? [new Levels(model.levels)]
        : model.levels.map((count, i) => new Level("Level " + (i + 1), count));
    byId("levels").append(...levels.map((level) => level.figure));
    if (!levels.length) byId("inside").hidden = true;
    const input = new kind(model.controls, changed);
    net.only = { task: facts.task };
    const votes = answers(net, {}).map((answer, i) => {
        const { plain, group } = facts.heads[i] || {}, { scoreCount, shape, task } = answer.head;
        const voted = scoreCount && !(shape || []).length && task !== "regression";
        return voted ? new Votes(answer, plain, group) : null;
    });
    byId("votes").append(...votes.filter(Boolean).map((each) => each.table));
    const line = element("div", { className: "winner" }), under = element("div", { className: "said-of" });
    byId("said").append(line, under);

    function state() {
        const values = input.values, outputs = net.outputs(values);
        return {
            values, inputs: net.inputs(), luts: net.luts(), outputs,
            scores: net.scores ? net.scores(values) : undefined,
            prediction: net.predict ? net.predict(values) : undefined,
        };
    }

    function show() {
        waiting = 0;
        const said = state(), each = answers(net, said);
        input.show(said.inputs);
        let from = 0;
        for (const level of levels) {
            level.draw(said.luts, from);
            from += level.count;
        }
        const texts = each.map((answer) => (answer.name ? answer.name + ": " : "") + told(answer)).filter(Boolean);
        const bits = "Output bits: " + Array.from(said.outputs.slice(0, 256)).join("");
        const text = texts.length ? (input.text || "") + texts.join("; ") : bits;
        if (line.textContent !== text) {
            line.textContent = text;
            line.className = text.length > 16 ? "winner long" : "winner";
        }
        votes.forEach((table, i) => table && table.draw(Array.from(each[i].scores)));
        under.textContent = below(each);
    }

    /** How clear a decision is, or the bits of an integer. */
    function below(each) {
        const { head, scores, result } = each[0];
        if (head.words && head.words.length === 1 && !(head.shape || []).length) {
            const size = head.words[0].bits;
            return "in binary " + BigInt.asUintN(size, BigInt(result[0])).toString(2).padStart(size, "0");
        }
        if (head.task !== "classification" || !scores || scores.length < 2 || (head.shape || []).length) return "";
        const [first, second] = Array.from(scores).sort((a, b) => b - a);
        const lead = plural(first - second, facts.heads[0].plain ? "vote" : "point");
        const ahead = first === second ? "a tie: the first of the classes wins" : "ahead of the next class by " + lead;
        return ahead + probability(scores, first);
    }

    /** The probability of the answer, where a temperature was given. */
    function probability(scores, best) {
        if (!facts.temperature) return "";
        const sum = Array.from(scores).reduce((total, score) => total + Math.exp((score - best) / facts.temperature), 0);
        return "; probability " + (100 / sum).toFixed(1) + " %";
    }

    function measure() {
        const times = [1, 64].map((samples) => measured(net, samples));
        const digits = (time) => (time < 10 ? time.toFixed(2) : time.toFixed(0));
        const [one, each] = times.map((time) => digits(time) + " \u00b5s");
        byId("speed").textContent = one + " a prediction on this device, " + each + " with 64 at a time.";
    }

    const [share, rows] = model.accuracy || [];
    const accuracy = model.accuracy ? ", " + (100 * share).toFixed(2) + " % right on " + (rows || "its") + " rows" : "";
    byId("facts").textContent =
        plural(inputFeature.length, "input bit") + ", " + plural(luts, "LUT") + ", " +
        plural(net.outputCount, "output bit") + accuracy + ". The circuit is " + counted(facts.bytes) +
        " bytes of WebAssembly. Made by lutsmith.";
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
        readTheme();
        show();
    });
    globalThis.lutsmithDemo = { net, state };
    show();
    changed();
}

lutsmithModule.instantiate(bytesOf(model.module)).then(start).catch((error) => {
    byId("said").textContent = "The circuit cannot run in this browser: " + error.message;
    throw error;
});
