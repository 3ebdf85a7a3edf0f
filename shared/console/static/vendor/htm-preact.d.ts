// What the console uses of htm-preact.js.
export type Made = any;
export function html(strings: TemplateStringsArray, ...values: any[]): Made;
export function render(made: Made, into: Element | null): void;
export function useState<T>(first: T | (() => T)): [T, (next: T | ((old: T) => T)) => void];
export function useEffect(act: () => void | (() => void), deps?: any[]): void;
export function useMemo<T>(make: () => T, deps: any[]): T;
export function useRef<T>(first: T): { current: T };
