import 'maplibre-gl/dist/maplibre-gl.css';
import { type GeoJSONSource, Map as GlMap, type LngLatBoundsLike, setWorkerUrl } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import type { Shapes } from '../api/queries';
import type { Camera } from '../view/address';
import { changedFills } from './classes';
import type { Box } from './neighbours';
import type { Ground } from './palette';
import { EMPTY, hatchImage, type Label, labelPoints, styleOf } from './style';

setWorkerUrl(workerUrl);

const BRAZIL: LngLatBoundsLike = [-74.2, -33.9, -34.6, 5.4];
const REACH: LngLatBoundsLike = [-100, -50, -8, 22];
const PADDING_PX = 28;

export interface Marks {
  pointed: string | null;
  chosen: readonly string[];
}

export interface EngineOptions {
  container: HTMLElement;
  ground: Ground;
  camera: Camera | undefined;
  locale: Record<string, string>;
  onPoint: (id: string | null, x: number, y: number) => void;
  onSelect: (id: string) => void;
  onMoved: (camera: Camera) => void;
  onDrawn: (picture: string) => void;
}

/** The drawn map. Knows shapes, fills and marks; knows no indicator and no React. */
export class Engine {
  private readonly map: GlMap;
  private readonly options: EngineOptions;
  private readonly ready: Promise<void>;
  private shapes: Shapes | null = null;
  private byId = new Map<string, Shapes['features'][number]>();
  private fills: ReadonlyMap<string, string> | null = null;
  private awaited: string | null = null;
  /** Nobody asked for another part of it: all of Brazil is in sight, whatever the window's size. */
  private whole: boolean;
  private gone = false;

  constructor(options: EngineOptions) {
    this.options = options;
    const { camera } = options;
    this.whole = camera === undefined;
    this.map = new GlMap({
      container: options.container,
      style: styleOf(options.ground),
      ...(camera
        ? { center: [camera.lng, camera.lat], zoom: camera.zoom }
        : { bounds: BRAZIL, fitBoundsOptions: { padding: PADDING_PX } }),
      maxBounds: REACH,
      minZoom: 2,
      maxZoom: 12,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      // The map is closed to the keyboard and to screen readers: the table is its twin.
      keyboard: false,
      attributionControl: false,
      renderWorldCopies: false,
      fadeDuration: 0,
      locale: options.locale,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.getCanvas().tabIndex = -1;
    this.ready = new Promise((resolve) => {
      this.map.once('style.load', () => {
        this.map.addImage('hatch', hatchImage(options.ground), { pixelRatio: 2 });
        resolve();
      });
    });
    this.listen();
  }

  private listen(): void {
    const { onPoint, onSelect, onMoved, onDrawn } = this.options;
    this.map.on('mousemove', 'value', (event) => {
      const id: unknown = event.features?.[0]?.properties.id;
      if (typeof id === 'string') onPoint(id, event.point.x, event.point.y);
    });
    this.map.on('mouseleave', 'value', () => onPoint(null, 0, 0));
    this.map.on('click', 'value', (event) => {
      const id: unknown = event.features?.[0]?.properties.id;
      if (typeof id === 'string') onSelect(id);
    });
    this.map.on('moveend', (event) => {
      // Only what a person moved belongs in the address; a resize does not.
      if (!('originalEvent' in event) && !('asked' in event)) return;
      onMoved(this.camera());
    });
    this.map.on('movestart', (event) => {
      if ('originalEvent' in event || 'asked' in event) this.whole = 'all' in event;
    });
    this.map.on('resize', () => {
      if (this.whole) this.map.fitBounds(BRAZIL, { padding: PADDING_PX, duration: 0 });
    });
    this.map.on('render', () => {
      if (this.awaited === null || !this.shapes || !this.map.isSourceLoaded('shapes')) return;
      const picture = this.awaited;
      this.awaited = null;
      onDrawn(picture);
    });
  }

  /** Once the style is there; false when the map was taken down meanwhile. */
  private async drawable(): Promise<boolean> {
    await this.ready;
    return !this.gone;
  }

  private source(name: string): GeoJSONSource | undefined {
    return this.map.getSource<GeoJSONSource>(name);
  }

  camera(): Camera {
    const { lat, lng } = this.map.getCenter();
    return { lat, lng, zoom: this.map.getZoom() };
  }

  async setShapes(shapes: Shapes): Promise<void> {
    if (!(await this.drawable())) return;
    if (this.shapes === shapes) return;
    this.shapes = shapes;
    this.byId = new Map(shapes.features.map((shape) => [shape.properties.id, shape]));
    this.map.removeFeatureState({ source: 'shapes' });
    const fills = this.fills;
    this.fills = null;
    this.source('shapes')?.setData(shapes);
    if (fills) this.paint(fills);
  }

  async setStates(states: Shapes, labels: readonly Label[]): Promise<void> {
    if (!(await this.drawable())) return;
    this.source('states')?.setData(states);
    this.source('ufs')?.setData(labelPoints(labels));
  }

  async setNames(labels: readonly Label[]): Promise<void> {
    if (!(await this.drawable())) return;
    this.source('names')?.setData(labelPoints(labels));
  }

  private paint(fills: ReadonlyMap<string, string>): void {
    for (const [id, fill] of changedFills(this.byId.keys(), this.fills, fills)) {
      this.map.setFeatureState({ source: 'shapes', id }, { fill });
    }
    this.fills = fills;
  }

  /** Colours the map; `picture` names what is drawn and comes back once it is on the screen. */
  async setFills(fills: ReadonlyMap<string, string>, picture: string): Promise<void> {
    if (!(await this.drawable())) return;
    if (this.shapes) this.paint(fills);
    else this.fills = fills;
    this.awaited = picture;
    this.map.triggerRepaint();
  }

  async setMarks({ pointed, chosen }: Marks): Promise<void> {
    if (!(await this.drawable())) return;
    const marked = [
      ...chosen.map((id) => [id, 'chosen']),
      ...(pointed ? [[pointed, 'pointed']] : []),
    ];
    const features = marked.flatMap(([id = '', mark]) => {
      const shape = this.byId.get(id);
      return shape ? [{ ...shape, properties: { mark } }] : [];
    });
    this.source('marks')?.setData({ ...EMPTY, features });
  }

  /** Brings a place into sight; does nothing when it already is, and never zooms out. */
  show([west, south, east, north]: Box): void {
    const bounds = this.map.getBounds();
    const inside = bounds.contains([west, south]) && bounds.contains([east, north]);
    if (inside && this.map.getZoom() >= 5) return;
    const camera = this.map.cameraForBounds([west, south, east, north], {
      padding: PADDING_PX * 3,
      maxZoom: 7.5,
    });
    if (camera) this.map.easeTo({ ...camera, duration: 500 }, { asked: true });
  }

  /** On small touch screens one finger scrolls the page and two move the map. */
  setCooperative(cooperative: boolean): void {
    if (cooperative) this.map.cooperativeGestures.enable();
    else this.map.cooperativeGestures.disable();
  }

  zoomBy(steps: number): void {
    this.map.zoomTo(this.map.getZoom() + steps, { duration: 250 }, { asked: true });
  }

  showAll(): void {
    this.map.fitBounds(BRAZIL, { padding: PADDING_PX, duration: 500 }, { asked: true, all: true });
  }

  /** The map as drawn, copied in the frame it is drawn in: the canvas keeps no pixels afterwards. */
  picture(): Promise<HTMLCanvasElement> {
    return new Promise((resolve) => {
      this.map.once('render', () => {
        const drawn = this.map.getCanvas();
        const copy = document.createElement('canvas');
        copy.width = drawn.width;
        copy.height = drawn.height;
        copy.getContext('2d')?.drawImage(drawn, 0, 0);
        resolve(copy);
      });
      this.map.triggerRepaint();
    });
  }

  destroy(): void {
    this.gone = true;
    this.map.remove();
  }
}

export function createEngine(options: EngineOptions): Engine {
  return new Engine(options);
}
