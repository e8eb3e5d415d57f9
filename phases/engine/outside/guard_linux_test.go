package outside

const guardless = false
