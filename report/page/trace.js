'use strict';
// Shows the picture of one trace.

drawPicture(document.getElementById('app'),
  JSON.parse(document.getElementById('data').textContent), []);
