import '@mantine/core/styles.css';
import './app/global.css';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { newQueryClient } from './api/queries';
import { Providers } from './app/Providers';
import { newRouter } from './app/router';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');

createRoot(root).render(
  <StrictMode>
    <Providers client={newQueryClient()}>
      <RouterProvider router={newRouter()} />
    </Providers>
  </StrictMode>,
);
