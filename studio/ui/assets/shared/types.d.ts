// The data of the page: what the server sends, the events of the bus, and the interfaces between modules.
// The Python side is studio/services/serializers.py and the calls of studio/ui/views.

/** A sentence of the server: a text, or a key of locales/*.json with its values. */
type Message = string | { key: string; values: Record<string, unknown>; text: string };

interface EnhancementStep {
  name: string;
  text: string;
  done?: boolean;
}

interface PromptCheck {
  kind: string;
  wanted: string;
  held: boolean;
}

/** An enhancement. Its `id` is null while it is being written. */
interface Enhancement {
  id: string | null;
  original: string;
  prompt: string;
  steps: EnhancementStep[];
  seed: number;
  model: string;
  seconds: number;
  done: boolean;
  style: string | null;
  length: string;
  locks: string[];
  instruction: string | null;
  checks: PromptCheck[];
}

/** The fields of a picture that the gallery's cards have. */
interface PictureCard {
  id: string;
  created_at: string;
  thumb_url: string;
  width: number;
  height: number;
  seed: number;
  steps: number;
  favourite: boolean;
  rating: number | null;
  missing: boolean;
  deleted_at: string | null;
  original_prompt: string;
  job: string;
  reasoned: boolean;
  enhancement: string | null;
}

/** A picture with all its fields. */
interface Picture extends Omit<PictureCard, "reasoned" | "enhancement"> {
  url: string;
  prompt: string;
  negative_prompt: string;
  checkpoint: string;
  revision: string | null;
  guidance: number;
  shift: number | null;
  variation_of: [number, number][];
  source: string | null;
  strength: number | null;
  adapters: { name: string; weight: number; sha256: string }[];
  pixel_sha256: string;
  enhancement: Enhancement | null;
  edited: boolean;
  parent_id: string | null;
  seconds: number;
  environment: Record<string, unknown>;
  tags: string[];
  expires_at: string | null;
  note: string;
  private: boolean;
}

interface Size {
  width: number;
  height: number;
}

/** The difference between the pixels of two pictures. */
interface PixelDifference {
  identical: boolean;
  share: number | null;
  mean: number;
  most: number;
}

/** A value that differs between two pictures. */
interface Difference {
  what: string;
  was: unknown;
  is: unknown;
}

/** The progress of a job. */
interface JobProgress {
  status: "queued" | "running" | "done" | "failed" | "cancelled";
  phase: string;
  message: Message;
  position: number | null;
  index: number;
  count: number;
  step: number;
  steps: number;
  eta_s: number | null;
}

/** The state of a job, as streams send it. */
interface JobStatus extends JobProgress {
  job: string;
  kind: "generate" | "enhance" | "rerun" | "variation";
  preview: string | null;
  prompt: string;
  enhance: boolean;
  drawn_prompt: string | null;
  seed: number | null;
  width: number;
  height: number;
  enhancement: Enhancement | null;
  pictures: Picture[];
  error: Message | null;
  private: boolean;
  session: string;
  identical?: boolean;
  changed?: Difference[];
  pixels?: PixelDifference | null;
}

/** A request that the server has refused. */
interface Refusal {
  refused: Message;
  parameter?: string;
}

/** An entry of the queue view. A running job also has its progress. */
interface QueueEntry extends JobProgress {
  id: string;
  kind: JobStatus["kind"];
  created_at: string;
  prompt: string;
  drawn: number;
  preview?: string | null;
  error: Message | null;
  private: boolean;
  session: string;
}

interface Checkpoint {
  name: string;
  title: string;
  on_disk: boolean;
  folder: boolean;
  gb: number;
  steps: number;
  guidance: number;
  native: number;
  follows: boolean;
}

interface Download {
  status: string;
  fraction: number | null;
  eta_s: number | null;
  message: Message | null;
}

/** The state of the engine and the downloads. */
interface EngineState {
  status: string;
  title: string;
  device: string;
  message: Message | null;
  fraction: number | null;
  quota: Message | null;
  damaged: Message | null;
  free_gb: number;
  checkpoints: Checkpoint[];
  downloads: Record<string, Download>;
}

/** Constants of the server. */
interface Facts {
  can_enhance: boolean;
  remote_model: string | null;
  can_read_pictures: boolean;
  vision_model: string | null;
  title: string;
  may_download: boolean;
  hub: string;
}

interface Adapter {
  name: string;
  title: string;
  about?: string;
  triggers: string[];
  fits?: boolean | null;
  absent?: boolean;
}

/** A collection, or a saved search if it has a query. */
interface Collection {
  id: string;
  name: string;
  query: string | null;
  count: number;
  capped: boolean;
  cover_url: string | null;
}

interface GalleryPage {
  items: PictureCard[];
  next: string | null;
  previous: string | null;
  total: number;
  capped: boolean;
  ranked: number | null;
  ms: number;
}

/** What the gallery searches for. */
interface GalleryQuery {
  query: string;
  favourite: boolean;
  trash: boolean;
  collection: string | null;
  sort: string;
}

/** The query in the gallery's controls, and facts about its latest result. */
interface GalleryState extends GalleryQuery {
  smart: boolean;
  total: number;
  capped: boolean;
  ranked: number | null;
  ms: number;
  all: number | null;
}

interface TrashSummary {
  gone: number;
  bytes: number;
  leaning: number;
  staying: number;
  until: string;
}

/** The answer to a bulk action on one batch of pictures. */
interface BatchAnswer {
  items?: PictureCard[];
  missing: string[];
  gone?: number;
  name?: string;
}

/** The result of a bulk action. `gone` counts permanently deleted pictures. */
interface BulkResult {
  done: string[];
  missing: string[];
  answer: BatchAnswer | null;
  gone: number;
  stopped: boolean;
  error: Error | null;
}

interface ShareLink {
  token: string;
  url: string;
  expires_at: string;
}

interface AncestryNode extends Size {
  id: string;
  thumb_url: string;
  prompt: string;
  seed: number;
  deleted: boolean;
}

interface Ancestry {
  nodes: AncestryNode[];
  edges: { from: string; to: string; relation: string }[];
}

interface TextPiece {
  kind: "same" | "gone" | "new";
  text: string;
}

interface Comparison {
  settings: Difference[];
  environment: Difference[];
  prompt: TextPiece[];
  original: TextPiece[];
  pixels: PixelDifference | null;
}

/** The parsed metadata of an image file. */
interface ParsedMetadata extends Size {
  kind: "picture";
  maker: string | null;
  drawn_width: number;
  drawn_height: number;
  prompt: string | null;
  negative_prompt: string;
  original_prompt: string;
  seed: number | null;
  steps: number | null;
  guidance: number | null;
  shift: number | null;
  checkpoint: string | null;
  loras: { name: string; weight: number }[];
  rest: Record<string, any>;
  notes: Message[];
}

interface ImportFault {
  file: string;
  line?: number;
  sentence: Message;
}

/** A preview of an archive, or the result of its import. */
interface ArchiveImport {
  kind: "archive";
  collections?: number;
  count?: number;
  here?: number;
  wrong?: ImportFault[];
  notes: Message[];
  brought: unknown[];
  left: number;
  ended?: Message | null;
}

/** The answer of /media/import; a picture that was imported for use as a source image has an `id`. */
type ImportAnswer = (ParsedMetadata | ArchiveImport) & { id?: string; ended?: Message | null; brought?: unknown[]; left?: number };

/** A way to run a checkpoint: its placement in memory and its cost. */
interface ExecutionPlan {
  place: string;
  numbers: string;
  encoder_numbers: string;
  tiling: boolean;
  fits: boolean;
  peak_gb: number;
  ram_gb: number;
  prompt_s: number;
  picture_s: number;
  step_s: number;
  chosen: boolean;
}

interface SpeedOption {
  name: string;
  value: string;
  exact: boolean;
  tried: { value: string; gain: number; difference: number }[] | null;
}

interface SystemStatus {
  status: string;
  checkpoint: string;
  trouble: Message | null;
  device: string | null;
  kind: string | null;
  numbers: string | null;
  threads: number | null;
  total_gb: number | null;
  free_gb: number | null;
  plan: { hint: Message; ways: ExecutionPlan[] } | null;
  options: SpeedOption[];
  timings: (Size & { id: string; seconds: number; steps: number; checkpoint: string })[];
  models: EngineState;
}

/** The answers of the server's calls by their names. */
interface Answers {
  adapters: { checkpoint: string; adapters: Adapter[] };
  ancestry: Ancestry;
  begin: Size & { picture: Picture };
  cancel: unknown;
  collect: BatchAnswer;
  collections: { collections: Collection[] };
  delete: Picture;
  delete_collection: unknown;
  delete_many: BatchAnswer;
  differences: Comparison;
  download: EngineState & SystemStatus; // of the header, or of the System view
  draw: { job: string };
  edit: Picture;
  edit_collection: Collection;
  edit_many: BatchAnswer;
  empty_trash: { gone: number };
  forget: unknown;
  history: GalleryPage;
  home: { jobs: JobStatus[]; pictures: Picture[]; state: EngineState };
  job: JobStatus;
  jobs: { jobs: QueueEntry[]; recent: QueueEntry[] };
  links: { links: ShareLink[] };
  load: SystemStatus;
  machine: SystemStatus;
  matching: { ids: string[]; capped: boolean };
  move_in_collection: Collection;
  new_collection: Collection;
  picture: Picture;
  pictures: { pictures: Picture[] };
  placed: { in: string[] };
  purge: BatchAnswer;
  redraw: { job: string };
  rerun: { job: string };
  restore: Picture;
  restore_many: BatchAnswer;
  share: ShareLink;
  snapshot: JobStatus;
  star: Picture;
  state: EngineState;
  tags: { tags: { tag: string; count: number }[] };
  tokens: { tokens: number; unseen: string };
  unshare: unknown;
  vary: { job: string };
  weigh: TrashSummary;
}

/** A call that the server has refused. `missing` means that the record does not exist. */
type CallError = Error & { missing?: boolean };

/** Calls the server. With `last`, the call replaces a waiting call of the same name. */
type Call = <K extends keyof Answers>(name: K, values?: object, options?: { last?: boolean }) => Promise<Answers[K]>;

/** The interface of a gr.HTML component, from its js_on_load. */
interface Component {
  element: HTMLElement;
  props: Record<string, any>;
  trigger(name: string, values: object): void;
  watch(name: string, changed: () => void): void;
}

type PictureChange = "drawn" | "found" | "edited" | "star" | "delete" | "restore" | "deleted" | "restored" | "undone" | "returned";

/** The events of the bus, as window events `studio:NAME`. */
interface BusEvents {
  again: { id: string };
  changed: { id?: string; what?: PictureChange; picture?: Picture | PictureCard };
  "clear-form": {};
  closed: { id: string | null };
  compare: { ids: string[] };
  "draw-edited": {};
  "draw-from": { id: string };
  edit: { id: string };
  escape: {};
  filled: {};
  open: { id: string };
  private: {};
  "read-ended": {};
  reuse: { id: string; picture?: Picture };
  reused: {};
  state: EngineState;
  "stream-ended": {};
  vary: { id: string };
  words: {};
}

interface Suggestion {
  text: string;
  hint: string;
  complete?: boolean;
}

/** Options of a DOM element: `text`, listeners, `data-` and `aria-` attributes, and its properties or attributes. */
interface ElementOptions {
  text?: string | number | null;
  on?: Record<string, (event: any) => unknown>;
  data?: Record<string, unknown>;
  aria?: Record<string, unknown>;
  [property: string]: unknown;
}

type Child = Node | string | null | undefined;

/** The global namespace, for the snippets that Gradio runs inline. */
interface Window {
  studio: {
    waiting?: [string, Component][];
    private: string;
    mount(name: string, component: Component): void;
    emit<K extends keyof BusEvents>(name: K, detail?: BusEvents[K]): void;
  };
}
