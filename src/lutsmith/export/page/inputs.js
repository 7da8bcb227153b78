/* What is asked for: a drawing, values of a table, or a calculation. Each gives `values`, the numbers of one sample,
   and `show(bits)`, which shows what the circuit's inputs are of them. */

const inputFeature = unpacked(model.inputFeature), inputPlane = unpacked(model.inputPlane);

/** For each feature its inputs, in the order of their planes. */
const inputsOf = [];
inputFeature.forEach((feature, input) => ((inputsOf[feature] ??= [])[inputPlane[input]] = input));

/** A strip that shows the bits of a feature. */
class Strip {
    constructor(feature, name, highestFirst = false) {
        this.inputs = (inputsOf[feature] || []).slice();
        if (highestFirst) this.inputs.reverse();
        this.name = name;
        if (this.inputs.length) {
            this.cells = new Cells(this.inputs.length, 1, Math.max(3, Math.round(240 / this.inputs.length)), name);
            this.cells.canvas.className = "strip";
        }
    }
    get parts() {
        return this.cells ? [this.cells.canvas] : [];
    }
    draw(bits) {
        if (!this.cells) return;
        const ones = this.inputs.filter((input) => bits[input]).length;
        const text = this.name + ": " + ones + " of " + plural(this.inputs.length, "bit") + " are 1";
        this.cells.canvas.setAttribute("aria-label", text);
        this.cells.draw((i) => (bits[this.inputs[i]] ? theme.on : theme.off));
    }
}

/** Strokes that look like a 3, a 2 and a 4: points in hundredths of the width and the height, right and down. */
const EXAMPLES = [
    "30,24 42,18 58,18 68,27 66,38 50,47 66,55 70,68 60,80 44,82 30,76",
    "30,30 38,20 54,17 66,25 66,38 55,53 40,68 30,80 50,79 72,79",
    "36,20 33,36 31,52 48,52 70,52 62,20 61,50 60,82",
].map((points) => points.split(" ").map((point) => point.split(",").map((part) => part / 100)));

class Drawing {
    constructor({ channels, height, width, channelsLast, low, high }, changed) {
        Object.assign(this, { channels, height, width, channelsLast, low, high, changed });
        this.ink = new Uint8Array(channels * height * width); // as the circuit numbers its features
        this.cursor = [Math.floor(width / 2), Math.floor(height / 2)];
        this.scale = Math.max(1, Math.ceil(336 / Math.max(width, height)));
        this.example = 0;
        this.build();
        this.planes();
        this.showExample();
    }

    get values() {
        const span = this.high - this.low;
        return Float32Array.from(this.ink, (ink) => this.low + (ink * span) / 255);
    }

    at(x, y, channel) {
        const { width, height, channels } = this;
        return this.channelsLast ? (y * width + x) * channels + channel : (channel * height + y) * width + x;
    }

    build() {
        const size = { width: this.width * this.scale, height: this.height * this.scale };
        const told = { className: "drawing", tabIndex: 0, role: "application", id: "drawing" };
        this.canvas = element("canvas", { ...size, ...told });
        this.canvas.setAttribute("aria-label", "Drawing of " + this.width + " by " + this.height + " pixels");
        this.canvas.setAttribute("aria-describedby", "drawing-help");
        this.context = this.canvas.getContext("2d");
        this.small = element("canvas", { width: this.width, height: this.height });
        this.image = this.small.getContext("2d").createImageData(this.width, this.height);
        this.where = element("p", { className: "help", role: "status", id: "where" });
        this.brush = element("select", { id: "brush" });
        for (const [value, text] of [["pixel", "one pixel"], ["0.7", "thin"], ["1.1", "medium"], ["1.9", "thick"]])
            this.brush.append(element("option", { value }, text));
        this.brush.value = "1.1";
        this.level =
            this.channels === 1
                ? element("input", { type: "range", id: "ink", min: 0, max: 255, step: 1, value: 255 })
                : element("input", { type: "color", id: "ink", value: "#e0a020" });
        this.erase = element("input", { type: "checkbox", id: "erase" });
        const clear = element("button", { type: "button", id: "clear" }, "Clear");
        const again = element("button", { type: "button", id: "example" }, "Another example");
        clear.addEventListener("click", () => this.clear());
        again.addEventListener("click", () => this.showExample());
        const key = (text) => element("kbd", {}, text);
        const help = element(
            "p", { className: "help", id: "drawing-help" },
            "Draw with a mouse, a pen or a finger. By keyboard: arrow keys move, ", key("Space"),
            " draws, ", key("Shift"), " with an arrow draws a line, ", key("Delete"), " erases.");
        byId("controls").append(
            this.canvas,
            element("div", { className: "row" }, element("label", {}, "Brush ", this.brush),
                element("label", {}, this.channels === 1 ? "Ink " : "Colour ", this.level),
                element("label", {}, this.erase, " Erase")),
            element("div", { className: "row" }, clear, again), help, this.where);
        const canvas = this.canvas;
        canvas.addEventListener("pointerdown", (event) => {
            if (event.button !== 0) return;
            event.preventDefault();
            canvas.focus({ preventScroll: true });
            this.keys = false;
            try {
                canvas.setPointerCapture(event.pointerId);
            } catch (error) { /* an event that a script made has no pointer */ }
            this.begin();
            this.stroke(this.point(event), this.point(event));
            this.last = this.point(event);
        });
        canvas.addEventListener("pointermove", (event) => {
            if (!this.last) return;
            const next = this.point(event);
            this.stroke(this.last, next);
            this.last = next;
        });
        for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.last = null));
        canvas.addEventListener("keydown", (event) => this.key(event));
        canvas.addEventListener("blur", () => this.show());
        canvas.addEventListener("focus", () => this.show());
        this.keys = true;
    }

    /** Where an event is, in pixels of the image. */
    point(event) {
        const { canvas } = this, box = canvas.getBoundingClientRect();
        return [
            ((event.clientX - box.left - canvas.clientLeft) / canvas.clientWidth) * this.width,
            ((event.clientY - box.top - canvas.clientTop) / canvas.clientHeight) * this.height,
        ];
    }

    key(event) {
        const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
        const inside = (value, size) => Math.min(size - 1, Math.max(0, value));
        const centre = () => this.cursor.map((value) => value + 0.5);
        if (event.ctrlKey || event.altKey || event.metaKey) return;
        if (step) {
            const from = centre();
            this.cursor = [inside(this.cursor[0] + step[0], this.width), inside(this.cursor[1] + step[1], this.height)];
            this.begin();
            if (event.shiftKey) this.stroke(from, centre());
        } else if (event.key === " " || event.key === "Enter") {
            this.begin();
            this.stroke(centre(), centre());
        } else if (event.key === "Delete" || event.key === "Backspace") {
            this.begin();
            this.stroke(centre(), centre(), true);
        } else return;
        event.preventDefault();
        this.keys = true;
        const [x, y] = this.cursor;
        const inks = Array.from({ length: this.channels }, (_, c) => this.ink[this.at(x, y, c)]);
        this.where.textContent = "Row " + (y + 1) + ", column " + (x + 1) + ", ink " + inks.join(", ");
        this.show();
    }

    /** A stroke covers what was there before it: going over a pixel again changes nothing more. */
    begin() {
        this.base = this.ink.slice();
        this.cover = new Float32Array(this.width * this.height);
    }

    inks(erase) {
        if (erase || this.erase.checked) return new Array(this.channels).fill(0);
        if (this.channels === 1) return [Number(this.level.value)];
        return [1, 3, 5].map((at) => parseInt(this.level.value.slice(at, at + 2), 16));
    }

    stroke([x0, y0], [x1, y1], erase = false) {
        const inks = this.inks(erase), { width, height } = this;
        const paint = (x, y, cover) => {
            if (x < 0 || y < 0 || x >= width || y >= height || cover <= this.cover[y * width + x]) return;
            this.cover[y * width + x] = cover;
            inks.forEach((ink, c) => {
                const at = this.at(x, y, c);
                this.ink[at] = Math.round(this.base[at] + (ink - this.base[at]) * cover);
            });
        };
        if (this.brush.value === "pixel") {
            const steps = Math.max(1, Math.ceil(2 * Math.hypot(x1 - x0, y1 - y0)));
            for (let i = 0; i <= steps; i++)
                paint(Math.floor(x0 + ((x1 - x0) * i) / steps), Math.floor(y0 + ((y1 - y0) * i) / steps), 1);
        } else {
            const size = Number(this.brush.value);
            const radius = Math.max(0.4 + 0.25 * size, (size * Math.max(width, height)) / 28), reach = radius + 1;
            const length = (x1 - x0) ** 2 + (y1 - y0) ** 2;
            for (let y = Math.floor(Math.min(y0, y1) - reach); y <= Math.max(y0, y1) + reach; y++)
                for (let x = Math.floor(Math.min(x0, x1) - reach); x <= Math.max(x0, x1) + reach; x++) {
                    const px = x + 0.5 - x0, py = y + 0.5 - y0;
                    const t = length ? Math.min(1, Math.max(0, (px * (x1 - x0) + py * (y1 - y0)) / length)) : 0;
                    const distance = Math.hypot(px - t * (x1 - x0), py - t * (y1 - y0));
                    paint(x, y, Math.min(1, Math.max(0, radius + 0.5 - distance)));
                }
        }
        this.changed();
    }

    clear() {
        this.ink.fill(0);
        this.where.textContent = "The drawing is empty.";
        this.changed();
    }

    showExample() {
        this.ink.fill(0);
        const strokes = EXAMPLES[this.example++ % EXAMPLES.length].map(([x, y]) => [x * this.width, y * this.height]);
        this.begin();
        for (let i = 1; i < strokes.length; i++) this.stroke(strokes[i - 1], strokes[i]);
        this.changed();
    }

    planes() {
        const most = inputPlane.reduce((top, plane) => Math.max(top, plane), -1) + 1, drawn = Math.min(16, most);
        this.pictures = Array.from({ length: drawn }, (_, plane) => {
            const cells = new Cells(this.width, this.height, 1, "Bit " + (plane + 1) + " of each pixel");
            const caption = element("figcaption", {}, "bit " + (plane + 1));
            byId("planes").append(element("figure", {}, cells.canvas, caption));
            return cells;
        });
        this.picked = Array.from({ length: drawn }, () => new Int32Array(this.ink.length).fill(-1));
        inputFeature.forEach((feature, input) => {
            if (inputPlane[input] < drawn) this.picked[inputPlane[input]][feature] = input;
        });
        byId("bits-about").textContent =
            "Each pixel is compared with thresholds that training chose: " +
            plural(inputFeature.length, "bit") + " in all" +
            (most > drawn ? ", the first " + drawn + " of each pixel are shown." : ".");
    }

    show(bits) {
        const { width, height, image } = this, colour = [0, 0, 0];
        for (let y = 0; y < height; y++)
            for (let x = 0; x < width; x++) {
                for (let c = 0; c < 3; c++) {
                    const ink = this.ink[this.at(x, y, this.channels === 1 ? 0 : c)];
                    const grey = theme.paper[c] + ((theme.ink[c] - theme.paper[c]) * ink) / 255;
                    colour[c] = this.channels === 1 ? grey : ink;
                }
                image.data.set([...colour, 255], 4 * (y * width + x));
            }
        this.small.getContext("2d").putImageData(image, 0, 0);
        this.context.imageSmoothingEnabled = false;
        this.context.drawImage(this.small, 0, 0, this.canvas.width, this.canvas.height);
        if (this.keys && document.activeElement === this.canvas) {
            this.context.strokeStyle = "rgb(" + theme.focus + ")";
            this.context.lineWidth = 3;
            const [x, y] = this.cursor.map((value) => value * this.scale + 1);
            this.context.strokeRect(x, y, this.scale - 2, this.scale - 2);
        }
        if (!bits) return;
        this.pictures.forEach((cells, plane) =>
            cells.draw((pixel) => {
                const x = pixel % width, y = (pixel - x) / width;
                const inputs = Array.from({ length: this.channels }, (_, c) => this.picked[plane][this.at(x, y, c)]);
                if (inputs.every((input) => input < 0)) return null;
                if (this.channels === 1) return bits[inputs[0]] ? theme.on : theme.off;
                return inputs.map((input) => (input >= 0 && bits[input] ? 235 : 40));
            }));
    }
}

class Table {
    constructor({ features }, changed) {
        this.fields = features.map((feature, place) => this.field(feature, place, changed));
        const another = element("button", { type: "button", id: "example" }, "Random values");
        another.addEventListener("click", () => {
            this.fields.forEach((field) => field.random());
            changed();
        });
        const list = element("div", { className: "list", tabIndex: 0, role: "group" });
        list.append(...this.fields.map((field) => field.element));
        list.setAttribute("aria-labelledby", "input-title");
        byId("controls").append(list, element("div", { className: "row" }, another));
        byId("bits").hidden = true;
    }

    get values() {
        return this.fields.map((field) => field.value());
    }

    field(feature, place, changed) {
        const name = shown(feature.name), id = "feature-" + place, strip = new Strip(place, name);
        const missing = element("input", { type: "checkbox", id: id + "-missing" });
        missing.setAttribute("aria-label", name + " is missing");
        const absent = element("label", {}, missing, " missing");
        const label = element("label", { htmlFor: id }, name);
        const controls = feature.categories ? this.choice(feature, id) : this.number(feature, id, name);
        const shownIn = element("div", { className: feature.categories ? "line choice" : "line" });
        shownIn.append(...controls.elements, absent);
        missing.addEventListener("change", () => {
            for (const each of controls.elements) each.disabled = missing.checked;
            changed();
        });
        for (const each of controls.elements) each.addEventListener("input", changed);
        return {
            element: element("div", { className: "feature" }, label, shownIn, ...strip.parts),
            value: () => (missing.checked ? NaN : controls.value()),
            random: () => {
                if (missing.checked) missing.click();
                controls.random();
            },
            strip,
        };
    }

    choice({ categories }, id) {
        const select = element("select", { id });
        categories.forEach((name, code) => select.append(element("option", { value: code }, shown(name))));
        const random = () => (select.value = Math.floor(Math.random() * categories.length));
        return { elements: [select], value: () => Number(select.value), random };
    }

    /** A slider and a box with one number; of words that numbers do not hold exactly, a box alone. */
    number({ low, high, step, long, start }, id, name) {
        if (long && BigInt(high) > BigInt(Number.MAX_SAFE_INTEGER)) {
            const box = element("input", { type: "text", inputMode: "numeric", id, value: "0" });
            let last = 0n;
            const value = () => {
                const right = /^\s*-?\d{1,30}\s*$/.test(box.value);
                box.setAttribute("aria-invalid", String(!right));
                return (last = right ? BigInt(box.value) : last);
            };
            const random = () => (box.value = String(Math.floor(Math.random() * Number(high))));
            return { elements: [box], value, random };
        }
        [low, high] = [Number(low), Number(high)];
        const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
        start ??= step === 1 ? Math.round((low + high) / 2) : Number(((low + high) / 2).toFixed(Math.min(20, places)));
        const slider = element("input", { type: "range", id, min: low, max: high, step: "any", value: start });
        const box = element("input", { type: "number", id: id + "-number", step: "any", value: start });
        box.setAttribute("aria-label", name + ", as a number");
        slider.addEventListener("input", () => {
            const value = low + Math.round((slider.value - low) / step) * step;
            const digits = Math.min(20, step === 1 ? 0 : places + 1);
            box.value = Number(Math.min(high, Math.max(low, value)).toFixed(digits));
        });
        slider.addEventListener("keydown", (event) => {
            const arrows = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
            const steps = { ...arrows, PageDown: -10, PageUp: 10 }[event.key];
            if (!steps) return;
            event.preventDefault();
            slider.value = Number(box.value) + steps * step;
            slider.dispatchEvent(new Event("input"));
        });
        box.addEventListener("input", () => (slider.value = box.value));
        return {
            elements: [slider, box],
            value: () => (box.value === "" ? NaN : Number(box.value)),
            random: () => {
                slider.value = low + Math.random() * (high - low);
                slider.dispatchEvent(new Event("input"));
            },
        };
    }

    show(bits) {
        if (bits) for (const field of this.fields) field.strip.draw(bits);
    }
}

class Calculator {
    constructor({ bits, operations }, changed) {
        Object.assign(this, { bits, operations });
        const most = (1n << BigInt(bits)) - 1n;
        this.operation = element("select", { id: "operation" });
        operations.forEach(({ name }, code) => this.operation.append(element("option", { value: code }, shown(name))));
        this.operands = ["a", "b"].map((name, place) => {
            const start = [most / 3n, most / 7n || 1n][place];
            const box = element("input", { id: name, type: "text", inputMode: "numeric", autocomplete: "off" });
            box.value = String(start);
            const binary = element("div", { className: "binary", id: name + "-bits" });
            const error = element("div", { className: "error", id: name + "-error", role: "alert" });
            box.setAttribute("aria-describedby", name + "-bits " + name + "-error");
            const strip = new Strip(2 * place, "Operand " + name, true);
            const text = "Operand " + name;
            const label = element("label", { htmlFor: name }, text);
            const whole = element("div", {}, label, box, binary, ...strip.parts, error);
            const read = () => {
                const found = /^\s*(0x[0-9a-f]+|0b[01]+|[0-9]{1,40})\s*$/i.exec(box.value);
                const number = found ? BigInt(found[1]) : -1n, right = number >= 0n && number <= most;
                box.setAttribute("aria-invalid", String(!right));
                error.textContent = right ? "" : "A whole number from 0 to " + most;
                if (right) operand.value = number;
                binary.textContent = operand.value.toString(2).padStart(bits, "0");
            };
            const operand = { box, read, whole, strip, value: start };
            box.addEventListener("input", () => {
                read();
                changed();
            });
            return operand;
        });
        this.operands.forEach((operand) => operand.read());
        this.operation.addEventListener("change", () => {
            this.operands[1].box.disabled = this.arity() === 1;
            changed();
        });
        const middle = element("div", {}, element("label", { htmlFor: "operation" }, "Operation"), this.operation);
        const calculator = element("div", { className: bits > 24 ? "calculator long" : "calculator" });
        calculator.append(this.operands[0].whole, middle, this.operands[1].whole);
        const help = "Decimal, 0x hexadecimal or 0b binary, " + plural(bits, "bit") + " each. ";
        byId("controls").append(
            calculator, element("p", { className: "help" }, help + "Below each operand are the bits that go in."));
        byId("bits").hidden = true;
    }
    arity() {
        return this.operations[this.operation.value].operands;
    }
    get values() {
        const [a, b] = this.operands.map((operand) => operand.value);
        return [a, BigInt(this.operation.value), this.arity() === 1 ? 0n : b];
    }
    /** The calculation as a line, before the result. */
    get text() {
        const [a, , b] = this.values, name = this.operations[this.operation.value].name;
        return (this.arity() === 1 ? name + " " + a : a + " " + name + " " + b) + " = ";
    }
    show(bits) {
        if (bits) for (const operand of this.operands) operand.strip.draw(bits);
    }
}
