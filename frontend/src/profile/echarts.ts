import { LineChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';

// Only what a line needs: the whole of ECharts weighs three times as much.
use([LineChart, GridComponent, TooltipComponent, CanvasRenderer]);

export type { ECharts } from 'echarts/core';
export { init };
