//! A check of compound files (a locked XLSX, or an XLS) before their reader sees them.
//!
//! Such a file is sectors, chained by a table that names each sector's successor. The reader follows a chain until its
//! end, so in a damaged file whose chain runs in a circle it would fill the memory.
//!
//! **Source**: \[MS-CFB\], sections 2.2 (header), 2.3 (FAT) and 2.5 (DIFAT).

const SECTORS_IN_HEADER: usize = 109;
const FIRST_RESERVED: u32 = 0xFFFF_FFFA;

/// Whether no chain of sectors runs in a circle.
pub(super) fn chains_end(file: &[u8]) -> bool {
    let successors = successors(file);
    // Each sector is seen in one walk; coming upon one of the same walk again is a circle.
    let mut seen_in = vec![usize::MAX; successors.len()];
    for start in 0..successors.len() {
        let mut at = start;
        while at < successors.len() {
            if seen_in[at] == start {
                return false;
            }
            if seen_in[at] != usize::MAX {
                break;
            }
            seen_in[at] = start;
            at = successors[at] as usize;
        }
    }
    true
}

/// The table of successors, as far as the file has it.
fn successors(file: &[u8]) -> Vec<u32> {
    let shift = file.get(0x1E).copied().unwrap_or_default();
    let size = if shift == 12 { 4096 } else { 512 };
    let sector = |number: u32| {
        let start = (number as usize).saturating_add(1).saturating_mul(size);
        numbers(file.get(start..).map_or(&[], |rest| &rest[..rest.len().min(size)]))
    };
    let mut table_sectors = numbers(file.get(0x4C..).unwrap_or_default());
    table_sectors.truncate(SECTORS_IN_HEADER);
    let mut next =
        numbers(file.get(0x44..0x48).unwrap_or_default()).first().copied().unwrap_or(FIRST_RESERVED);
    // No more sectors of the list than the file has, in case that it runs in a circle itself.
    for _ in 0..file.len() / size {
        if next >= FIRST_RESERVED {
            break;
        }
        let mut list = sector(next);
        next = list.pop().unwrap_or(FIRST_RESERVED);
        table_sectors.extend(list);
    }
    table_sectors.truncate(file.len() / size);
    table_sectors.into_iter().filter(|&number| number < FIRST_RESERVED).flat_map(sector).collect()
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::{read_all::fixture, xlsx::XlsxRows},
        *,
    };

    #[test]
    fn a_sound_file_passes_and_one_whose_chain_is_a_circle_is_refused() {
        let mut file = std::fs::read(fixture("tables/log.xls")).unwrap();
        assert!(chains_end(&file));
        // The table stands in the sector that the header names first; sector 0 is made its own successor.
        let table = u32::from_le_bytes(file[0x4C..0x50].try_into().unwrap()) as usize;
        file[(table + 1) * 512..][..4].copy_from_slice(&0_u32.to_le_bytes());
        assert!(!chains_end(&file));
        let error = XlsxRows::from_bytes(file, None).err().unwrap().to_string();
        assert!(error.contains("sectors run in a circle"), "{error}");
    }

    #[test]
    fn no_bytes_are_too_few() {
        for length in [0, 8, 0x46, 0x60, 513] {
            assert!(chains_end(&vec![0xFF; length]));
        }
    }
}
