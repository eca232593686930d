"""What reads images and labels, each care taken out."""

from tests.sabotage.defects import Defect

DATA, T = "resspec/train/data/", "tests/train/data/"
CACHE, CIFAR, DECODE, DEPTH, ENDS, IDX, INSPECT, LABELS, MOMENTS, TREE, CLASSES, WORKERS = (
    f"{DATA}{name}.py"
    for name in (
        "cache", "cifar", "decode", "depth", "ends", "idx", "inspect", "labels", "moments", "tree", "class_folders", "workers",
    )
)
FOLLOWED = f"{T}test_tree.py::test_what_cannot_be_followed_is_named"

DEFECTS = [
    Defect("a pipe is opened", DECODE, "    _refuse_special(path, os.stat(path))", "    pass  #",
           f"{T}test_decode.py::test_only_files_are_read"),
    Defect("a decoder's own exceptions pass", DECODE, "    except Exception as error:  # noqa: BLE001 (a decoder",
           "    except OSError as error:  # (a decoder",
           f"{T}test_decode.py::test_whatever_a_decoder_raises_the_file_is_named"),
    Defect("Pillow's warnings are heard", DECODE, 'warnings.simplefilter("ignore")', "pass",
           f"{T}test_decode.py::test_a_large_image_is_shown_without_a_warning"),
    Defect("EXIF is ignored", DECODE, "if self._orientation in TURNS:", "if False:",
           f"{T}test_decode.py::test_a_picture_is_upright"),
    Defect("EXIF is not ignored where it should be", DECODE, "_orientation(image.getexif) if exif == UPRIGHT else 1",
           "_orientation(image.getexif)", f"{T}test_decode.py::test_orientation_can_be_ignored"),
    Defect("16 bits are cut off", DEPTH, 'if mode.startswith("I;16"):', "if False:",
           f"{T}test_decode.py::test_deep_pixels_are_scaled_and_not_cut_off"),
    Defect("12 bits are taken for 16", DEPTH, "return bits if 8 <= bits <= 16 else 16", "return 16",
           f"{T}test_decode.py::test_twelve_bits_of_a_tiff"),
    Defect("white is never zero", DEPTH, "if _tag(image, PHOTOMETRIC, 1) == WHITE_IS_ZERO:", "if False:",
           f"{T}test_decode.py::test_gray_tiffs_of_every_kind"),
    Defect("formats are registered when they are needed", DECODE, "\nImage.init()\n", "\nImage.preinit()\n",
           f"{T}test_inspect.py::test_threads_that_are_the_first_to_open_a_file"),
    Defect("an end marker is enough anywhere", ENDS, ".endswith(END_OF_JPEG)", ".count(END_OF_JPEG) >= 0",
           f"{T}test_inspect.py::test_a_file_that_is_cut_is_found_without_decoding_it"),
    Defect("a file with something behind it is damaged", INSPECT, "    return _decoded(path)\n\n\ndef _decoded",
           '    raise BrokenPicture(path, "it has no end")\n\n\ndef _decoded',
           f"{T}test_inspect.py::test_a_good_file_is_never_called_damaged"),
    Defect("a header spares the decoding", INSPECT, "if found and found.decoded >= decode else None", "if found else None",
           f"{T}test_inspect.py::test_a_header_that_was_read_spares_no_decoding"),
    Defect("the cache does not ask for the time", CACHE, "(status.st_size, status.st_mtime_ns)", "(status.st_size, 0)",
           f"{T}test_inspect.py::test_files_are_looked_at_once"),
    Defect("the cache believes every bit", CACHE, "if checksum != crc32(", "if False and checksum != crc32(",
           f"{T}test_inspect.py::test_a_flipped_bit_in_what_is_remembered"),
    Defect("the cache has to work", CACHE, "except Exception as error:  # noqa: BLE001 (a cache",
           "except FileNotFoundError as error:  # (a cache",
           f"{T}test_inspect.py::test_a_cache_that_cannot_be_used_is_no_matter"),
    Defect("the cache grows", CACHE, "if self._total > MOST:", "if False:",
           f"{T}test_inspect.py::test_what_is_remembered_is_bounded"),
    Defect("a worker raises", WORKERS, "        except BrokenPicture as broken:\n            return Failure",
           "        except ZeroDivisionError as broken:\n            return Failure",
           f"{T}test_folder.py::test_a_file_that_cannot_be_shown_is_named"),
    Defect("links are not followed", TREE, "entry.stat().st_mode if entry.is_symlink() else _mode(entry)", "_mode(entry)",
           f"{T}test_tree.py::test_links_to_folders_and_files_are_followed"),
    Defect("a circle of links has an end", TREE, "        if here in above:\n", "        if False:\n", FOLLOWED),
    Defect("a folder may be of two classes", TREE, "if _top(first) != _top(folder):", "if False:", FOLLOWED),
    Defect("what cannot be read is left out", TREE, '    refuse(walk.part.problems, "E0519")\n', "",
           f"{T}test_tree.py::test_a_folder_that_may_not_be_read_is_named"),
    Defect("hidden folders are classes", TREE, 'return name.startswith(".") or', "return",
           f"{T}test_tree.py::test_hidden_files_and_folders_are_passed_over_and_told"),
    Defect("an empty class is one", CLASSES, "for name, images in train.images.items() if not images]",
           "for name, images in () if not images]", f"{T}test_tree.py::test_an_empty_class_is_refused"),
    Defect("a path makes fashion", IDX, "if request.name == FASHION_MNIST or by_content:",
           'if "fashion" in str(folder).lower():', f"{T}test_labels.py::test_a_path_makes_no_fashion"),
    Defect("a header says how much is set aside", IDX, "if prod(lengths) > min(size, LARGEST):", "if False:",
           f"{T}test_labels.py::test_an_absurd_idx_file"),
    Defect("labels may be any", LABELS, "if not 0 <= label < classes]", "if not 0 <= label]",
           f"{T}test_labels.py::test_a_label_that_no_class_has"),
    Defect("a pickle numbers its objects as it likes", CIFAR, "        _refuse_wide_memo(content)\n", "",
           f"{T}test_labels.py::test_a_pickle_that_would_take_all_memory"),
    Defect("a channel of one value is divided by 0", MOMENTS, "_divisors(covariance.diagonal().clamp_min(0).sqrt())",
           "covariance.diagonal().sqrt()", f"{T}test_memory.py::test_images_without_contrast_are_finite"),
]
