/** The part of a canvas context that the timeline is drawn with; an SVG writer offers it too. */
export interface Surface {
  fillStyle: unknown;
  strokeStyle: unknown;
  lineWidth: number;
  globalAlpha: number;
  font: string;
  textAlign: string;
  textBaseline: string;
  save(): void;
  restore(): void;
  beginPath(): void;
  closePath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  rect(x: number, y: number, width: number, height: number): void;
  roundRect(x: number, y: number, width: number, height: number, radius: number): void;
  arc(x: number, y: number, radius: number, from: number, to: number): void;
  clip(): void;
  fill(): void;
  stroke(): void;
  fillRect(x: number, y: number, width: number, height: number): void;
  strokeRect(x: number, y: number, width: number, height: number): void;
  fillText(text: string, x: number, y: number): void;
  measureText(text: string): { readonly width: number };
  setLineDash(dashes: number[]): void;
}

/** The colours of a theme, by the names of the design. */
export interface Colors {
  readonly bg: string;
  readonly sub: string;
  readonly raise: string;
  readonly line: string;
  readonly line2: string;
  readonly line3: string;
  readonly t1: string;
  readonly t2: string;
  readonly t3: string;
  readonly accent: string;
  readonly 'accent-bg': string;
  readonly ok: string;
  readonly 'ok-t': string;
  readonly 'ok-l': string;
  readonly 'ok-m': string;
  readonly bad: string;
  readonly 'bad-t': string;
  readonly run: string;
  readonly 'run-t': string;
  readonly warn: string;
  readonly 'warn-t': string;
  readonly 'warn-b': string;
  readonly hum: string;
  readonly 'hum-t': string;
  readonly off: string;
  readonly 'off-t': string;
  readonly 'off-b': string;
}

export type Theme = 'light' | 'dark';

export const COLORS: Readonly<Record<Theme, Colors>> = {
  light: {
    ...{ bg: '#fff', sub: '#f7f8fa', raise: '#fff' },
    ...{ line: '#e4e7ec', line2: '#cfd4dd', line3: '#b3bac7' },
    ...{ t1: '#14171f', t2: '#525a68', t3: '#6b7280' },
    ...{ accent: '#2a5fd0', 'accent-bg': '#eaf0fd' },
    ...{ ok: '#117a65', 'ok-t': '#c3e5dc', 'ok-l': '#4b9d8a', 'ok-m': '#7dbfae' },
    ...{ bad: '#c2381a', 'bad-t': '#f3c4b8' },
    ...{ run: '#2a5fd0', 'run-t': '#bcd0f7' },
    ...{ warn: '#96600a', 'warn-t': '#f0d49a', 'warn-b': '#fdf4e0' },
    ...{ hum: '#7445bd', 'hum-t': '#d8c6f2' },
    ...{ off: '#6b7280', 'off-t': '#d5d9e0', 'off-b': '#f0f2f5' },
  },
  dark: {
    ...{ bg: '#0d0f14', sub: '#12151b', raise: '#161a21' },
    ...{ line: '#232833', line2: '#353c4a', line3: '#4b5466' },
    ...{ t1: '#eceef3', t2: '#a5adbb', t3: '#8790a0' },
    ...{ accent: '#7ea6ff', 'accent-bg': '#17223c' },
    ...{ ok: '#4cc2a6', 'ok-t': '#174239', 'ok-l': '#34826f', 'ok-m': '#2c6d5e' },
    ...{ bad: '#ff8263', 'bad-t': '#6b2a1b' },
    ...{ run: '#7ea6ff', 'run-t': '#263f77' },
    ...{ warn: '#e5b454', 'warn-t': '#5c4516', 'warn-b': '#261d0c' },
    ...{ hum: '#b99af7', 'hum-t': '#48347a' },
    ...{ off: '#8790a0', 'off-t': '#2c323d', 'off-b': '#191d25' },
  },
};
