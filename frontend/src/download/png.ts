export interface LegendEntry {
  name: string;
  /** A colour, or null for the hatch of "sem dado". */
  colour: string | null;
}

export interface Plate {
  title: string;
  subtitle: string;
  picture: HTMLCanvasElement;
  /** Width of the picture in CSS pixels: text is sized against it. */
  width: number;
  legend: readonly LegendEntry[];
  /** Source, note, date and address, in the order they are read. */
  footer: readonly string[];
  colours: { paper: string; ink: string; soft: string; hatch: string; land: string };
}

const MARGIN = 24;
const SERIF = "'Source Serif 4 Variable', Georgia, serif";
const SANS = "'Inter Variable', system-ui, sans-serif";
const LINE = 18;
const SWATCH = { width: 22, height: 14 };

type Pen = CanvasRenderingContext2D;

/** Breaks a text where the measured width ends; a word longer than a line stays whole. */
export function wrap(text: string, width: number, measure: (text: string) => number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && measure(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

function drawSwatch(pen: Pen, entry: LegendEntry, x: number, y: number, plate: Plate): void {
  const { width, height } = SWATCH;
  pen.fillStyle = entry.colour ?? plate.colours.land;
  pen.fillRect(x, y, width, height);
  if (entry.colour === null) {
    pen.save();
    pen.beginPath();
    pen.rect(x, y, width, height);
    pen.clip();
    pen.strokeStyle = plate.colours.hatch;
    pen.lineWidth = 1.2;
    for (let offset = -height; offset < width; offset += 4) {
      pen.beginPath();
      pen.moveTo(x + offset, y + height);
      pen.lineTo(x + offset + height, y);
      pen.stroke();
    }
    pen.restore();
  }
  pen.strokeStyle = plate.colours.soft;
  pen.lineWidth = 0.5;
  pen.strokeRect(x, y, width, height);
}

/** Sets the legend in as many lines as it needs; returns where it ends. Without `draw` it only measures. */
function layLegend(pen: Pen, plate: Plate, top: number, draw: boolean): number {
  pen.font = `13px ${SANS}`;
  let x = MARGIN;
  let y = top;
  for (const entry of plate.legend) {
    const width = SWATCH.width + 6 + pen.measureText(entry.name).width + 18;
    if (x > MARGIN && x + width > plate.width - MARGIN) {
      x = MARGIN;
      y += LINE + 4;
    }
    if (draw) {
      drawSwatch(pen, entry, x, y, plate);
      pen.fillStyle = plate.colours.ink;
      pen.fillText(entry.name, x + SWATCH.width + 6, y + 12);
    }
    x += width;
  }
  return plate.legend.length > 0 ? y + LINE + 10 : top;
}

function layText(pen: Pen, lines: readonly string[], top: number, step: number): number {
  lines.forEach((line, index) => {
    pen.fillText(line, MARGIN, top + index * step);
  });
  return top + lines.length * step;
}

function penOf(canvas: HTMLCanvasElement): Pen {
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('canvas 2d unavailable');
  return pen;
}

/** The picture with what a reader needs to trust it baked in: title, legend, source, note, date. */
export function compose(plate: Plate): HTMLCanvasElement {
  const { picture, width, colours } = plate;
  const scale = picture.width / width;
  const canvas = document.createElement('canvas');
  const pen = penOf(canvas);
  const inner = width - 2 * MARGIN;
  const broken = (text: string, font: string) => {
    pen.font = font;
    return wrap(text, inner, (part) => pen.measureText(part).width);
  };
  const fonts = { title: `600 24px ${SERIF}`, subtitle: `15px ${SANS}`, footer: `12px ${SANS}` };
  const title = broken(plate.title, fonts.title);
  const subtitle = broken(plate.subtitle, fonts.subtitle);
  const footer = plate.footer.flatMap((line) => broken(line, fonts.footer));
  const head = MARGIN + title.length * 30 + subtitle.length * 21 + 12;
  const pictureHeight = picture.height / scale;
  const legendTop = head + pictureHeight + 16;
  const footerTop = layLegend(pen, plate, legendTop, false) + 12;

  canvas.width = Math.round(width * scale);
  canvas.height = Math.round((footerTop + footer.length * 17 + MARGIN - 12) * scale);
  pen.scale(scale, scale);
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, width, canvas.height);
  pen.fillStyle = colours.ink;
  pen.font = fonts.title;
  const underTitle = layText(pen, title, MARGIN + 20, 30);
  pen.fillStyle = colours.soft;
  pen.font = fonts.subtitle;
  layText(pen, subtitle, underTitle - 5, 21);
  pen.drawImage(picture, 0, head, width, pictureHeight);
  layLegend(pen, plate, legendTop, true);
  pen.fillStyle = colours.soft;
  pen.font = fonts.footer;
  layText(pen, footer, footerTop, 17);
  return canvas;
}

export function pngOf(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('PNG failed'))), 'image/png');
  });
}
