extern "C" {
    fn triple(x: i64) -> i64;
}

#[no_mangle]
pub extern "C" fn double(x: i64) -> i64 {
    2 * x
}

#[no_mangle]
pub extern "C" fn six_times(x: i64) -> i64 {
    double(unsafe { triple(x) })
}
