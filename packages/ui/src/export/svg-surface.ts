import { wellFormed } from '../model/well-formed.js';
import type { Surface } from '../view/surface.js';

/** Text that must not end an element or an attribute, without what XML forbids. */
export function escapeXml(text: string): string {
  return (
    wellFormed(text)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML forbids them
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  );
}

const number = (value: number) => String(Math.round(value * 100) / 100);

/** Widths of letters in ems, as Inter has them on average. */
function widthOf(text: string, size: number, weight: number): number {
  let ems = 0;
  for (const letter of text) {
    if (/[ijl.,:;'|![\]()]/.test(letter)) ems += 0.29;
    else if (/[mwMW%×…]/.test(letter)) ems += 0.88;
    else if (/[A-Z]/.test(letter)) ems += 0.68;
    else if (/[0-9]/.test(letter)) ems += 0.62;
    else if ((letter.codePointAt(0) ?? 0) > 0x2e80) ems += 1;
    else ems += letter === ' ' ? 0.28 : 0.57;
  }
  return ems * size * (weight >= 600 ? 1.04 : 1);
}

const INITIAL = {
  fillStyle: '#000' as unknown,
  strokeStyle: '#000' as unknown,
  lineWidth: 1,
  globalAlpha: 1,
  font: '10px sans-serif',
  textAlign: 'left',
  textBaseline: 'alphabetic',
};

/** Draws what is painted on a canvas as SVG instead. */
export class SvgSurface implements Surface {
  fillStyle = INITIAL.fillStyle;
  strokeStyle = INITIAL.strokeStyle;
  lineWidth = INITIAL.lineWidth;
  globalAlpha = INITIAL.globalAlpha;
  font = INITIAL.font;
  textAlign = INITIAL.textAlign;
  textBaseline = INITIAL.textBaseline;
  readonly #parts: string[] = [];
  readonly #definitions: string[] = [];
  readonly #saved: (typeof INITIAL & { readonly clips: number })[] = [];
  readonly #prefix: string;
  #dashes: readonly number[] = [];
  /** Groups that are open because of `clip`, since the last `save`. */
  #clips = 0;
  #path = '';

  /** @param prefix Of the ids in the picture, so that two can be on one page. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** A fill that hatches. */
  readonly hatch = (line: string, ground: string): string => {
    const id = `${this.#prefix}-hatch-${line.slice(1)}-${ground.slice(1)}`;
    const definition =
      `<pattern id="${id}" width="8" height="8" patternUnits="userSpaceOnUse">` +
      `<path fill="${ground}" d="M0 0h8v8H0z"/>` +
      `<path stroke="${line}" stroke-width="2" d="M-9 9l10-10M-1 9l10-10M7 9l10-10"/></pattern>`;
    if (!this.#definitions.includes(definition)) this.#definitions.push(definition);
    return `url(#${id})`;
  };

  /** What has been drawn, to be put into another picture. */
  shapes(): string {
    return this.#parts.join('');
  }

  /** The picture. */
  toSvg(width: number, height: number, title: string): string {
    const name = escapeXml(title);
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${number(width)}" height="${number(height)}" ` +
      `viewBox="0 0 ${number(width)} ${number(height)}" role="img" aria-label="${name}">` +
      `<title>${name}</title><defs>${this.#definitions.join('')}</defs>${this.shapes()}</svg>\n`
    );
  }

  save(): void {
    const { fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline } = this;
    const styles = {
      fillStyle,
      strokeStyle,
      lineWidth,
      globalAlpha,
      font,
      textAlign,
      textBaseline,
    };
    this.#saved.push({ ...styles, clips: this.#clips });
    this.#clips = 0;
  }

  restore(): void {
    const saved = this.#saved.pop();
    if (saved === undefined) return;
    for (; this.#clips > 0; this.#clips--) this.#parts.push('</g>');
    const { clips, ...styles } = saved;
    Object.assign(this, styles);
    this.#clips = clips;
  }

  beginPath(): void {
    this.#path = '';
  }

  closePath(): void {
    this.#path += 'Z';
  }

  moveTo(x: number, y: number): void {
    this.#path += `M${number(x)} ${number(y)}`;
  }

  lineTo(x: number, y: number): void {
    this.#path += `${this.#path === '' ? 'M' : 'L'}${number(x)} ${number(y)}`;
  }

  rect(x: number, y: number, width: number, height: number): void {
    this.#path += `M${number(x)} ${number(y)}h${number(width)}v${number(height)}h${number(-width)}Z`;
  }

  roundRect(x: number, y: number, width: number, height: number, radius: number): void {
    const r = number(radius);
    const [w, h] = [number(width - 2 * radius), number(height - 2 * radius)];
    this.#path +=
      `M${number(x + radius)} ${number(y)}h${w}a${r} ${r} 0 0 1 ${r} ${r}v${h}` +
      `a${r} ${r} 0 0 1 -${r} ${r}h-${w}a${r} ${r} 0 0 1 -${r} -${r}v-${h}a${r} ${r} 0 0 1 ${r} -${r}Z`;
  }

  arc(x: number, y: number, radius: number, from: number, to: number): void {
    const [r, across] = [number(radius), number(2 * radius)];
    if (to - from >= 2 * Math.PI - 1e-6) {
      this.#path += `M${number(x - radius)} ${number(y)}a${r} ${r} 0 1 1 ${across} 0a${r} ${r} 0 1 1 -${across} 0`;
      return;
    }
    const at = (angle: number) =>
      `${number(x + radius * Math.cos(angle))} ${number(y + radius * Math.sin(angle))}`;
    const isLarge = to - from > Math.PI ? 1 : 0;
    this.#path += `${this.#path === '' ? 'M' : 'L'}${at(from)}A${r} ${r} 0 ${isLarge} 1 ${at(to)}`;
  }

  clip(): void {
    const id = `${this.#prefix}-clip-${this.#definitions.length}`;
    this.#definitions.push(`<clipPath id="${id}"><path d="${this.#path}"/></clipPath>`);
    this.#parts.push(`<g clip-path="url(#${id})">`);
    this.#clips++;
  }

  fill(): void {
    this.#shape(this.#path, `fill="${this.fillStyle}"`);
  }

  stroke(): void {
    const dash = this.#dashes.length > 0 ? ` stroke-dasharray="${this.#dashes.join(' ')}"` : '';
    const width = number(this.lineWidth);
    this.#shape(
      this.#path,
      `fill="none" stroke="${this.strokeStyle}" stroke-width="${width}"${dash}`,
    );
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    if (width <= 0 || height <= 0) return;
    const path = `M${number(x)} ${number(y)}h${number(width)}v${number(height)}h${number(-width)}z`;
    this.#shape(path, `fill="${this.fillStyle}"`);
  }

  strokeRect(x: number, y: number, width: number, height: number): void {
    this.beginPath();
    this.rect(x, y, width, height);
    this.stroke();
  }

  #shape(path: string, look: string): void {
    if (path === '') return;
    const alpha = this.globalAlpha < 1 ? ` opacity="${number(this.globalAlpha)}"` : '';
    this.#parts.push(`<path d="${path}" ${look}${alpha}/>`);
  }

  fillText(text: string, x: number, y: number): void {
    const { size, weight, family } = this.#fontParts();
    const anchor = this.textAlign === 'right' ? ' text-anchor="end"' : '';
    // What "middle" is differs from program to program; the letters' middle does not.
    const shift = this.textBaseline === 'middle' ? size * 0.35 : 0;
    this.#parts.push(
      `<text x="${number(x)}" y="${number(y + shift)}" fill="${this.fillStyle}" font-size="${size}" ` +
        `font-weight="${weight}" font-family="${escapeXml(family)}"${anchor}>${escapeXml(text)}</text>`,
    );
  }

  measureText(text: string): { readonly width: number } {
    const { size, weight } = this.#fontParts();
    return { width: widthOf(text, size, weight) };
  }

  setLineDash(dashes: number[]): void {
    this.#dashes = dashes;
  }

  #fontParts(): { size: number; weight: number; family: string } {
    const [, weight = '400', size = '10', family = 'sans-serif'] =
      /^(?:(\d+) )?([\d.]+)px (.*)$/.exec(this.font) ?? [];
    return { size: Number(size), weight: Number(weight), family };
  }
}
