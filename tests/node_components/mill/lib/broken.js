throw new Error('the mill cannot be loaded');
