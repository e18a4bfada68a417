import theme from 'vitepress/theme';
// @ts-expect-error Vite loads it, and TypeScript knows no style sheets.
import './style.css';

export default theme;
