import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface VirtualGridProps<T> {
  id: string;
  label: string;
  /** Of the columns, in order; CSS gives `.grid-<id>` their widths. */
  headings: readonly string[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  /** The cells of a row. */
  render: (row: T) => ComponentChildren;
  /** Key of the row that is selected. */
  selected: string | undefined;
  onSelect: (row: T) => void;
  /** Keys beside the arrows, on the row of the cursor. */
  onKey?: (key: string, row: T) => void;
  rowClass?: (row: T) => string;
  empty: ComponentChildren;
}

const ROW_HEIGHT = 30;
/** Rows drawn beyond each edge, so that scrolling shows no blank. */
const OVERSCAN = 6;

/**
 * A table of any length that draws only the rows in view. The arrows, Page up/down, Home and End move a cursor, Enter
 * selects (the grid pattern of the WAI-ARIA authoring practices, with the row as its unit).
 */
export function VirtualGrid<T>(props: VirtualGridProps<T>) {
  const { id, label, headings, rows, rowKey, render, selected, onSelect, onKey, rowClass, empty } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(0);
  const cursor = useSignal<string | undefined>(undefined);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => {
      height.value = element.clientHeight;
    });
    observer.observe(element);
    height.value = element.clientHeight;
    return () => observer.disconnect();
  }, []);

  const indexOfCursor = (): number => rows.findIndex((row) => rowKey(row) === (cursor.value ?? selected));
  const cursorIndex = indexOfCursor();
  const scrollTo = (index: number) => {
    const element = scroller.current;
    if (element === null || index < 0) return;
    const above = index * ROW_HEIGHT;
    if (above < element.scrollTop) element.scrollTop = above;
    else if (above + ROW_HEIGHT > element.scrollTop + element.clientHeight)
      element.scrollTop = above + ROW_HEIGHT - element.clientHeight;
  };
  // A selection that comes from elsewhere (a link, the back button) is brought into view, once it is among the rows.
  const selectedIndex = rows.findIndex((row) => rowKey(row) === selected);
  // At once: a key that comes next must not lose what it has moved.
  useLayoutEffect(() => {
    cursor.value = undefined;
    scrollTo(selectedIndex);
  }, [selected, selectedIndex === -1]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(height.value / ROW_HEIGHT) - 1);
    const steps: Partial<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -rows.length,
      End: rows.length,
    };
    const step = steps[event.key];
    const at = indexOfCursor(); // Keys may come faster than what they do is drawn.
    const row = rows[at];
    if (step !== undefined) {
      const next = Math.max(0, Math.min(rows.length - 1, at + step));
      const target = rows[next];
      if (target === undefined) return;
      cursor.value = rowKey(target);
      scrollTo(next);
    } else if (row !== undefined && (event.key === 'Enter' || event.key === ' ')) onSelect(row);
    else if (row !== undefined && onKey !== undefined) {
      onKey(event.key, row);
      return;
    } else return;
    event.preventDefault();
  };

  const first = Math.max(0, Math.floor(top.value / ROW_HEIGHT) - OVERSCAN);
  const last = Math.min(rows.length, Math.ceil((top.value + height.value) / ROW_HEIGHT) + OVERSCAN);
  const cursorDrawn = cursorIndex >= first && cursorIndex < last;
  return (
    <div class={`grid grid-${id}`}>
      <div class="grid-head" aria-hidden="true">
        {headings.map((heading) => (
          <span key={heading}>{heading}</span>
        ))}
      </div>
      <div
        ref={scroller}
        class="grid-body"
        role="grid"
        tabIndex={0}
        aria-label={`${label}: ${headings.join(', ')}`}
        aria-rowcount={rows.length}
        aria-activedescendant={cursorDrawn ? `${id}-${rowKey(rows[cursorIndex] as T)}` : undefined}
        onScroll={(event) => {
          top.value = event.currentTarget.scrollTop;
        }}
        onKeyDown={onKeyDown}
      >
        {rows.length === 0 ? <p class="empty">{empty}</p> : null}
        <div class="grid-space" style={{ height: `${rows.length * ROW_HEIGHT}px` }}>
          {rows.slice(first, last).map((row, offset) => {
            const key = rowKey(row);
            const index = first + offset;
            const marks = `${key === selected ? ' selected' : ''}${index === cursorIndex ? ' cursor' : ''}`;
            return (
              <div
                key={key}
                id={`${id}-${key}`}
                class={`row${marks} ${rowClass?.(row) ?? ''}`}
                role="row"
                aria-rowindex={index + 1}
                aria-selected={key === selected}
                style={{ transform: `translateY(${index * ROW_HEIGHT}px)` }}
                onClick={() => onSelect(row)}
              >
                {render(row)}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
