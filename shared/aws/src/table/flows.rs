mod reads;
mod writes;
