const patterns = new Map<string, CanvasPattern | string>();

/** Hatches: slanted lines of one colour on another. */
export function hatchOf(context: CanvasRenderingContext2D) {
  return (line: string, ground: string): CanvasPattern | string => {
    const key = `${line} ${ground}`;
    const known = patterns.get(key);
    if (known !== undefined) return known;
    const tile = document.createElement('canvas');
    tile.width = 8;
    tile.height = 8;
    const brush = tile.getContext('2d');
    if (brush === null) return line;
    brush.fillStyle = ground;
    brush.fillRect(0, 0, 8, 8);
    brush.strokeStyle = line;
    brush.lineWidth = 2;
    brush.beginPath();
    for (const shift of [-8, 0, 8]) {
      brush.moveTo(shift - 1, 9);
      brush.lineTo(shift + 9, -1);
    }
    brush.stroke();
    const pattern = context.createPattern(tile, 'repeat') ?? line;
    patterns.set(key, pattern);
    return pattern;
  };
}
