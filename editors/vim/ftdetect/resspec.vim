" Vim takes .res for ReScript
autocmd BufRead,BufNewFile *.res set filetype=resspec
